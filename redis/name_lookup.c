#include "redis/name_lookup.h"

#include "common/memory.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Owned by two, the asking side and the thread: the last one to let go frees it. */
struct name_lookup {
    pthread_mutex_t mutex;
    int owners;
    bool is_done;
    char *host;
    uint16_t port;
    struct name_lookup_result result;
};

static int look_up(const char *host, uint16_t port, int flags, struct addrinfo **list_r)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    hints.ai_flags = AI_NUMERICSERV | flags;
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    return getaddrinfo(host, service, &hints, list_r);
}

static void copy_address(const struct addrinfo *info, struct name_address *address_r)
{
    *address_r = (struct name_address){.length = info->ai_addrlen};
    memcpy(&address_r->socket_address, info->ai_addr, info->ai_addrlen);
}

bool name_lookup_numeric(const char *host, uint16_t port, struct name_address *address_r)
{
    struct addrinfo *list;
    if (look_up(host, port, AI_NUMERICHOST, &list) != 0)
        return false;
    copy_address(list, address_r);
    freeaddrinfo(list);
    return true;
}

static void release(struct name_lookup *lookup)
{
    pthread_mutex_lock(&lookup->mutex);
    bool is_last = --lookup->owners == 0;
    pthread_mutex_unlock(&lookup->mutex);
    if (!is_last)
        return;
    pthread_mutex_destroy(&lookup->mutex);
    free(lookup->host);
    free(lookup);
}

static void finish(struct name_lookup *lookup, const struct name_lookup_result *result)
{
    pthread_mutex_lock(&lookup->mutex);
    lookup->result = *result;
    lookup->is_done = true;
    pthread_mutex_unlock(&lookup->mutex);
}

static void *run(void *argument)
{
    struct name_lookup *lookup = argument;
    struct name_lookup_result result = {0};
    struct addrinfo *list = NULL;

    int status = look_up(lookup->host, lookup->port, AI_ADDRCONFIG, &list);
    if (status != 0)
        error_set(&result.error, "no address of %s: %s", lookup->host, gai_strerror(status));
    else
        for (const struct addrinfo *info = list; info && result.count < NAME_LOOKUP_MAX;
             info = info->ai_next)
            copy_address(info, &result.addresses[result.count++]);
    if (list)
        freeaddrinfo(list);
    finish(lookup, &result);
    release(lookup);
    return NULL;
}

/* The thread takes no signals: they are the main thread's. */
static int start_thread(struct name_lookup *lookup)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&thread, &attributes, run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

struct name_lookup *name_lookup_start(const char *host, uint16_t port)
{
    struct name_lookup *lookup = memory_allocate(1, sizeof(*lookup));
    pthread_mutex_init(&lookup->mutex, NULL);
    lookup->host = memory_copy_string(host);
    lookup->port = port;
    lookup->owners = 2;

    int status = start_thread(lookup);
    if (status != 0) {
        struct name_lookup_result result = {0};
        error_set(&result.error, "no address of %s: no thread: %s", host, strerror(status));
        finish(lookup, &result);
        release(lookup);
    }
    return lookup;
}

bool name_lookup_poll(struct name_lookup *lookup, struct name_lookup_result *result_r)
{
    pthread_mutex_lock(&lookup->mutex);
    bool is_done = lookup->is_done;
    if (is_done)
        *result_r = lookup->result;
    pthread_mutex_unlock(&lookup->mutex);
    return is_done;
}

void name_lookup_free(struct name_lookup *lookup)
{
    if (lookup)
        release(lookup);
}
