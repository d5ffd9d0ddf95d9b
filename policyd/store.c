#include "policyd/store.h"

#include "common/endpoint.h"
#include "host/log.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#define SECONDS_PER_DAY 86400

static void open_cache(struct store *store)
{
    uint8_t seed[SIPHASH_KEY_SIZE] = {0};
    size_t clients = (size_t)store->config->memory.clients;
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        log_warning(
            "policyd: no random bytes: clients can choose who shares a place in memory");
    memcpy(store->domains.seed, seed, sizeof(seed));
    store->cache =
        client_cache_create(clients < store->clients_max ? clients : store->clients_max,
                            store->config->memory.fresh_ms, seed);
}

static void open_redis(struct store *store)
{
    store->server = redis_server_create(&store->config->redis);
    store->redis = redis_async_create(store->base, store->server);
}

static void close_redis(struct store *store)
{
    redis_async_free(store->redis);
    redis_server_free(store->server);
}

void store_open(struct store *store, struct event_base *base, const struct config *config,
                size_t clients_max)
{
    store->base = base;
    store->config = config;
    store->clients_max = clients_max;
    open_cache(store);
    open_redis(store);
}

void store_close(struct store *store)
{
    close_redis(store);
    client_cache_free(store->cache);
}

static bool is_same_redis(const struct redis_settings *a, const struct redis_settings *b)
{
    return endpoint_equals(&a->server, &b->server) && strcmp(a->username, b->username) == 0 &&
           strcmp(a->password, b->password) == 0 && strcmp(a->prefix, b->prefix) == 0 &&
           a->database == b->database && a->deadline_ms == b->deadline_ms &&
           a->retry_ms == b->retry_ms;
}

void store_reload(struct store *store, const struct config *config)
{
    const struct config *before = store->config;
    store->config = config;
    if (before->memory.clients != config->memory.clients ||
        before->memory.fresh_ms != config->memory.fresh_ms) {
        client_cache_free(store->cache);
        open_cache(store);
    }
    if (!is_same_redis(&before->redis, &config->redis)) {
        /* "No answer" makes connections go on, perhaps with a question: to the new one. */
        struct store left = *store;
        open_redis(store);
        close_redis(&left);
    }
}

void store_remember(struct store *store, const struct client_key *key, enum history_state state,
                    const struct client_record *record, int64_t now_ms)
{
    if (redis_server_is_well(store->server, REDIS_USE_WRITE))
        client_cache_put(store->cache, key, state, record, now_ms);
    else
        client_cache_merge(store->cache, key, state, record, now_ms);
}

void store_record(struct store *store, const struct client_keys *keys,
                  const struct history_fact *before, const struct session_outcome *outcome,
                  int64_t now_s)
{
    struct session_outcome outcomes[SCOPE_COUNT];
    client_outcomes_get(outcome, before, &store->config->client_class, now_s, outcomes);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (!client_keys_has(keys, (enum history_scope)scope) ||
            session_outcome_is_empty(&outcomes[scope]))
            continue;
        client_cache_add(store->cache, &keys->of[scope], &outcomes[scope], now_s);
        redis_async_update_client(store->redis, &keys->of[scope], &outcomes[scope],
                                  store->config->history_expire_d * SECONDS_PER_DAY);
    }
}
