/*
 * rbl_engine - the parts of the lookup of DNS lists, for rbl_engine.c and rbl_lookup.c alone;
 * everybody else uses policyd/rbl_lookup.h.
 */
#ifndef POSTVALVE_POLICYD_RBL_ENGINE_H
#define POSTVALVE_POLICYD_RBL_ENGINE_H

#include "policyd/dns_resolver.h"
#include "policyd/rbl_cache.h"
#include "policyd/rbl_fetch.h"
#include "policyd/rbl_lists.h"
#include "policyd/rbl_lookup.h"

#include <sys/queue.h>

struct rbl_engine {
    struct event_base *base;
    struct store *store;
    const struct rbl_settings *settings;
    struct dns_resolver *resolver;
    struct rbl_lists *lists;
    struct rbl_cache *cache;
    struct rbl_fetcher *fetcher;
    char *host; /* NULL: not started */
    LIST_HEAD(, rbl_lookup) lookups;
    size_t ahead_count;
    rbl_ahead_callback *ahead_callback;
    void *ahead_context;
};

/* Ends every lookup with what is known so far. */
void rbl_lookup_finish_all(struct rbl_engine *engine);

#endif
