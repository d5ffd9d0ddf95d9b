/*
 * store - what is known of clients: the records in memory, and Redis behind them.
 *
 * Redis is connected at the first question. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_STORE_H
#define POSTVALVE_POLICYD_STORE_H

#include "common/client_cache.h"
#include "common/client_keys.h"
#include "common/config.h"
#include "policyd/redis_async.h"

#include <stddef.h>

struct event_base;

struct store {
    struct event_base *base; /* not owned */
    struct client_cache *cache;
    struct redis_server *server;
    struct redis_async *redis;
    struct registered_domain_cache domains;
    size_t clients_max; /* no more records than this, whatever the configuration says */
    const struct config *config;
};

/* config must live until the next store_reload(). */
void store_open(struct store *store, struct event_base *base, const struct config *config,
                size_t clients_max);
void store_close(struct store *store);
/* What has not changed is kept. Questions on their way to a Redis that is left get no answer.
 * Not from a callback of redis_async. */
void store_reload(struct store *store, const struct config *config);

/* What Redis answered about a client, into memory. */
void store_remember(struct store *store, const struct client_key *key, enum history_state state,
                    const struct client_record *record, int64_t now_ms);
/* The outcome of a session, into memory and Redis, under all keys of the client. before: what
 * was known of the client. */
void store_record(struct store *store, const struct client_keys *keys,
                  const struct history_fact *before, const struct session_outcome *outcome,
                  int64_t now_s);

#endif
