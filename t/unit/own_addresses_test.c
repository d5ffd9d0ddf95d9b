#include "host/own_addresses.h"
#include "t/unit/tap.h"

#include <ifaddrs.h>
#include <net/if.h>

#define MINUTE_MS 60000

/* Every address of the machine's interfaces is found, but for loopback. */
static void test_this_machine(struct own_addresses *own)
{
    struct ifaddrs *list;
    int wrong = 0, seen = 0;
    if (getifaddrs(&list) != 0) {
        ok(false, "getifaddrs");
        return;
    }
    for (const struct ifaddrs *item = list; item; item = item->ifa_next) {
        struct address address = address_from_sockaddr(item->ifa_addr);
        if (address.family == ADDRESS_NONE)
            continue;
        bool is_loopback = item->ifa_flags & IFF_LOOPBACK;
        wrong += own_addresses_contain(own, &address, 0) == is_loopback;
        seen++;
    }
    freeifaddrs(list);
    ok(wrong == 0, "%d addresses of interfaces are told right", seen);
}

int main(void)
{
    struct own_addresses *own = own_addresses_create();
    struct address other, none = {.family = ADDRESS_NONE};
    address_parse(SLICE_LITERAL("192.0.2.200"), &other);

    ok(!own_addresses_contain(own, &other, 0), "an address of somebody else");
    ok(!own_addresses_contain(own, &none, 0), "no address");
    test_this_machine(own);
    ok(!own_addresses_contain(own, &other, 2 * MINUTE_MS), "read again");
    own_addresses_free(own);
    own_addresses_free(NULL);
    return done_testing();
}
