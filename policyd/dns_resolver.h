/*
 * dns_resolver - asks recursive name servers for A and TXT records; the only file that speaks
 * DNS to the network, with policyd/dns_tcp.c for answers that do not fit a datagram.
 *
 * libevent's evdns is not used: version 2.1 knows neither TXT nor TCP, reports SERVFAIL as a
 * timeout, gives a name server up after one slow list, tests it with a foreign name, and does
 * not compare the case of the name that it mixed.
 *
 * A query has three tries within its time, the next one with the next name server. What makes
 * an answer hard to forge: a random identifier, one of several sockets at random, each
 * connected to its server, and a name in mixed case that has to come back as it was sent.
 * Search domains are not used. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_DNS_RESOLVER_H
#define POSTVALVE_POLICYD_DNS_RESOLVER_H

#include "common/config.h"
#include "common/dns_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_QUERIES_MAX 4096 /* on their way; more fail at once */

struct dns_query;
struct dns_resolver;
struct event_base;

enum dns_status {
    DNS_ANSWERED, /* with or without records: no such name is an answer */
    DNS_FAILED,   /* SERVFAIL, REFUSED and other codes, no server, malformed */
    DNS_TIMED_OUT,
};

/* answer: only DNS_ANSWERED and DNS_FAILED with a code, else NULL; it lives as long as the
 * call. */
typedef void dns_callback(void *context, enum dns_status status,
                          const struct dns_answer *answer);

/* servers: endpoints with numeric addresses; none: those of resolv_conf ("/etc/resolv.conf"),
 * else 127.0.0.1 as resolver(3). timeout_ms: of a query, all its tries together. Nothing is
 * opened before the first query. */
struct dns_resolver *dns_resolver_create(struct event_base *base,
                                         const struct endpoint_list *servers,
                                         const char *resolv_conf, int64_t timeout_ms);
/* Queries on their way end without a callback. NULL is fine. */
void dns_resolver_free(struct dns_resolver *resolver);

/* callback comes exactly once, from the loop and never from within this, unless the query is
 * cancelled. NULL: not asked, as too many are on their way, no server can be reached or the
 * name is none. */
struct dns_query *dns_resolver_ask(struct dns_resolver *resolver, const char *name,
                                   enum dns_type type, dns_callback *callback, void *context);
void dns_resolver_cancel(struct dns_query *query);

struct dns_counters {
    uint64_t queries, retries, timeouts, failures;
    uint64_t refused; /* not asked */
    uint64_t strange; /* datagrams that were no answer to a query of ours */
    uint64_t tcp;
    uint64_t pending; /* now */
};
struct dns_counters dns_resolver_counters(const struct dns_resolver *resolver);

#endif
