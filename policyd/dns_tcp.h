/*
 * dns_tcp - one DNS query over TCP (RFC 7766), for an answer that did not fit a datagram. Loop
 * thread only.
 */
#ifndef POSTVALVE_POLICYD_DNS_TCP_H
#define POSTVALVE_POLICYD_DNS_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct dns_tcp;
struct event_base;

/* The message, good for the call; NULL: failed. The dns_tcp is still to be freed. */
typedef void dns_tcp_callback(void *context, const uint8_t *message, size_t length);

/* query: in wire form, at most DNS_QUERY_SIZE bytes, copied. NULL: failed at once. Has no time
 * limit of its own. */
struct dns_tcp *dns_tcp_ask(struct event_base *base, const struct sockaddr *server,
                            socklen_t server_length, const uint8_t *query, size_t query_length,
                            dns_tcp_callback *callback, void *context);
/* Also from its callback. NULL is fine. */
void dns_tcp_free(struct dns_tcp *tcp);

#endif
