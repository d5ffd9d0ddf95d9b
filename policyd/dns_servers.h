/*
 * dns_servers - which name servers to ask, and which of them first. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_DNS_SERVERS_H
#define POSTVALVE_POLICYD_DNS_SERVERS_H

#include "common/config.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define DNS_SERVERS_MAX 4

struct dns_servers {
    struct dns_server {
        struct sockaddr_storage address;
        socklen_t address_length;
    } items[DNS_SERVERS_MAX];
    size_t count;
    size_t first;     /* to be asked first */
    int silent;       /* tries in a row that it did not answer */
    int64_t moved_ms; /* when another one became the first */
};

/* Numeric endpoints; none: the "nameserver" lines of the file, else 127.0.0.1. */
void dns_servers_init(struct dns_servers *servers, const struct endpoint_list *endpoints,
                      const char *resolv_conf);

/* For the first try of a query and for each further one. */
size_t dns_servers_pick(struct dns_servers *servers, int64_t now_ms);
size_t dns_servers_next(const struct dns_servers *servers, size_t server);
void dns_servers_note_answer(struct dns_servers *servers, size_t server);
void dns_servers_note_silence(struct dns_servers *servers, size_t server, int64_t now_ms);

#endif
