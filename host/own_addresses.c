#include "host/own_addresses.h"

#include "common/memory.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>

#define REFRESH_MS    60000
#define ADDRESSES_MAX 1024

struct own_addresses {
    pthread_mutex_t mutex;
    struct address *addresses;
    size_t count;
    bool is_read;
    int64_t read_at_ms;
};

struct own_addresses *own_addresses_create(void)
{
    struct own_addresses *own = memory_allocate(1, sizeof(*own));
    pthread_mutex_init(&own->mutex, NULL);
    return own;
}

void own_addresses_free(struct own_addresses *own)
{
    if (!own)
        return;
    pthread_mutex_destroy(&own->mutex);
    free(own->addresses);
    free(own);
}

static void take(struct own_addresses *own, const struct ifaddrs *list)
{
    struct address *addresses = memory_allocate(ADDRESSES_MAX, sizeof(*addresses));
    size_t count = 0;
    for (const struct ifaddrs *item = list; item && count < ADDRESSES_MAX;
         item = item->ifa_next) {
        struct address address = address_from_sockaddr(item->ifa_addr);
        if (address.family != ADDRESS_NONE && !(item->ifa_flags & IFF_LOOPBACK))
            addresses[count++] = address;
    }
    free(own->addresses);
    own->addresses = addresses;
    own->count = count;
}

static void refresh(struct own_addresses *own, int64_t now_ms)
{
    struct ifaddrs *list;
    own->is_read = true;
    own->read_at_ms = now_ms;
    if (getifaddrs(&list) != 0)
        return;
    take(own, list);
    freeifaddrs(list);
}

bool own_addresses_contain(struct own_addresses *own, const struct address *address,
                           int64_t now_ms)
{
    bool is_own = false;
    pthread_mutex_lock(&own->mutex);
    if (!own->is_read || now_ms - own->read_at_ms >= REFRESH_MS)
        refresh(own, now_ms);
    for (size_t i = 0; i < own->count && !is_own; i++)
        is_own = address_equals(&own->addresses[i], address);
    pthread_mutex_unlock(&own->mutex);
    return is_own;
}
