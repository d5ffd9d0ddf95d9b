/*
 * dns_resolver - asks recursive name servers for A and TXT records, over c-ares; the only file
 * that sees it. Queries and answers themselves are those of common/dns_message.h.
 *
 * What makes an answer hard to forge: a random identifier, one of several sockets at random,
 * and a name in mixed case that has to come back as it was sent. An answer in which it does not
 * is asked for again over TCP. Search domains are not used.
 *
 * c-ares begins every query with the first name server, also when that one is dead. Here
 * another one is asked first for a while. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_DNS_RESOLVER_H
#define POSTVALVE_POLICYD_DNS_RESOLVER_H

#include "common/config.h"
#include "common/dns_message.h"

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

/* servers: endpoints with numeric addresses; none: those of /etc/resolv.conf, else 127.0.0.1.
 * timeout_ms: of a query, all its tries together; one that goes on over TCP may take twice as
 * long. Nothing is opened before the first query. servers must outlive it. */
struct dns_resolver *dns_resolver_create(struct event_base *base,
                                         const struct endpoint_list *servers,
                                         int64_t timeout_ms);
/* Queries on their way end without a callback. Not from a callback. NULL is fine. */
void dns_resolver_free(struct dns_resolver *resolver);

/* callback comes exactly once, from the loop and never from within this, unless the query is
 * cancelled. NULL: not asked, as too many are on their way, there is no name server or the name
 * is none. */
struct dns_query *dns_resolver_ask(struct dns_resolver *resolver, const char *name,
                                   enum dns_type type, dns_callback *callback, void *context);
void dns_resolver_cancel(struct dns_query *query);

#endif
