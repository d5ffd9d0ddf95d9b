/*
 * name_lookup - the addresses of a host name, without ever making the asking thread wait.
 *
 * getaddrinfo(3) has no deadline, so it runs in a thread of its own, which is left alone when
 * nobody wants its answer any more. Thread-safe.
 */
#ifndef POSTVALVE_REDIS_NAME_LOOKUP_H
#define POSTVALVE_REDIS_NAME_LOOKUP_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NAME_LOOKUP_MAX 4 /* addresses of a name that are tried */

struct name_lookup;

struct name_address {
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } socket_address;
    socklen_t length;
};

struct name_lookup_result {
    size_t count; /* 0: not found, see error */
    struct name_address addresses[NAME_LOOKUP_MAX];
    struct error error;
};

/* A numeric address; false: it is a name. */
bool name_lookup_numeric(const char *host, uint16_t port, struct name_address *address_r);

/* Starts the thread. The name is copied. */
struct name_lookup *name_lookup_start(const char *host, uint16_t port);
/* Does not wait: false as long as there is no result. */
bool name_lookup_poll(struct name_lookup *lookup, struct name_lookup_result *result_r);
/* Does not wait for the thread. NULL is fine. */
void name_lookup_free(struct name_lookup *lookup);

#endif
