#include "milter/history.h"

#include "common/client_cache.h"
#include "common/memory.h"
#include "common/redis_keys.h"
#include "host/hostname.h"
#include "redis/redis_pool.h"
#include "redis/redis_server.h"
#include "redis/redis_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECONDS_PER_DAY 86400

struct history {
    pthread_mutex_t mutex; /* guards the cache, and the writer against its end */
    struct client_cache *cache;
    struct redis_server *server;
    struct redis_pool *pool;
    struct redis_writer *writer; /* NULL after history_flush() */
    struct redis_key new_key;
};

struct history *history_open(const struct config *config, struct error *error)
{
    uint8_t seed[SIPHASH_KEY_SIZE];
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        error_set(error, "no random bytes from the kernel: %s", strerror(errno));
        return NULL;
    }
    struct history *history = memory_allocate(1, sizeof(*history));
    history->server = redis_server_create(&config->redis);
    history->writer =
        redis_writer_create(history->server, config->history_expire_d * SECONDS_PER_DAY, error);
    if (!history->writer) {
        redis_server_free(history->server);
        free(history);
        return NULL;
    }
    char host[HOSTNAME_SIZE];
    hostname_get(config->host, host);
    redis_key_new_clients(&history->new_key, config->redis.prefix, host);
    pthread_mutex_init(&history->mutex, NULL);
    history->cache =
        client_cache_create((size_t)config->memory.clients, config->memory.fresh_ms, seed);
    history->pool = redis_pool_create(history->server);
    return history;
}

void history_flush(struct history *history, int64_t flush_ms)
{
    pthread_mutex_lock(&history->mutex);
    struct redis_writer *writer = history->writer;
    history->writer = NULL;
    pthread_mutex_unlock(&history->mutex);
    redis_writer_stop(writer, flush_ms);
}

/* True when all of it is fresh. is_asked_r: of which keys Redis may know more. */
static bool look_up(struct history *history, const struct client_keys *keys, int64_t now_ms,
                    struct history_fact *facts_r, bool is_asked_r[static SCOPE_COUNT])
{
    bool is_fresh = true;
    pthread_mutex_lock(&history->mutex);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        is_asked_r[scope] = false;
        facts_r[scope] = (struct history_fact){.state = HISTORY_NONE};
        if (!client_keys_has(keys, (enum history_scope)scope))
            continue;
        is_asked_r[scope] =
            client_cache_get(history->cache, &keys->of[scope], now_ms, &facts_r[scope].state,
                             &facts_r[scope].record) != L1_FRESH;
        is_fresh = is_fresh && !is_asked_r[scope];
    }
    pthread_mutex_unlock(&history->mutex);
    return is_fresh;
}

/* While Redis takes no writes, it does not know what we have seen since. */
static void keep(struct history *history, const struct client_key *key,
                 const struct history_fact *answer, int64_t now_ms)
{
    if (redis_server_is_well(history->server, REDIS_USE_WRITE))
        client_cache_put(history->cache, key, answer->state, &answer->record, now_ms);
    else
        client_cache_merge(history->cache, key, answer->state, &answer->record, now_ms);
}

void history_read(struct history *history, const struct client_keys *keys, int64_t now_ms,
                  struct history_fact facts_r[static SCOPE_COUNT])
{
    bool is_asked[SCOPE_COUNT];
    if (look_up(history, keys, now_ms, facts_r, is_asked))
        return;

    const struct client_key *asked[SCOPE_COUNT];
    struct history_fact answers[SCOPE_COUNT];
    size_t count = 0;
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        if (is_asked[scope])
            asked[count++] = &keys->of[scope];
    redis_pool_read_clients(history->pool, asked, count, answers);

    pthread_mutex_lock(&history->mutex);
    for (size_t i = 0; i < count; i++)
        if (answers[i].state != HISTORY_MISSING)
            keep(history, asked[i], &answers[i], now_ms);
    pthread_mutex_unlock(&history->mutex);
    /* From memory: it may know what Redis was not told yet. */
    look_up(history, keys, now_ms, facts_r, is_asked);
}

void history_read_memory(struct history *history, const struct client_keys *keys,
                         int64_t now_ms, struct history_fact facts_r[static SCOPE_COUNT])
{
    bool is_asked[SCOPE_COUNT];
    look_up(history, keys, now_ms, facts_r, is_asked);
}

void history_announce(struct history *history, const struct address *client)
{
    pthread_mutex_lock(&history->mutex);
    if (history->writer)
        redis_writer_announce(history->writer, redis_key_slice(&history->new_key), client);
    pthread_mutex_unlock(&history->mutex);
}

void history_add(struct history *history, const struct client_keys *keys,
                 const struct session_outcome *outcome, const struct class_settings *settings,
                 int64_t now_s)
{
    struct session_outcome outcomes[SCOPE_COUNT];
    struct history_fact before;

    pthread_mutex_lock(&history->mutex);
    client_cache_get(history->cache, &keys->of[SCOPE_CLIENT], 0, &before.state, &before.record);
    client_outcomes_get(outcome, &before, settings, now_s, outcomes);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (!client_keys_has(keys, (enum history_scope)scope) ||
            session_outcome_is_empty(&outcomes[scope]))
            continue;
        client_cache_add(history->cache, &keys->of[scope], &outcomes[scope], now_s);
        if (history->writer)
            redis_writer_update_client(history->writer, &keys->of[scope], &outcomes[scope]);
    }
    pthread_mutex_unlock(&history->mutex);
}

void history_tell_recipient(struct history *history, const struct redis_key *key,
                            const struct recipient_report *report,
                            const struct recipient_lifetimes *lifetimes)
{
    pthread_mutex_lock(&history->mutex);
    if (history->writer)
        redis_writer_tell_recipient(history->writer, key, report, lifetimes);
    pthread_mutex_unlock(&history->mutex);
}

struct redis_server *history_redis_server(struct history *history)
{
    return history->server;
}

const struct redis_settings *history_redis_settings(struct history *history)
{
    return redis_server_settings(history->server);
}

void history_forget(struct history *history, const struct client_key *key)
{
    pthread_mutex_lock(&history->mutex);
    client_cache_remove(history->cache, key);
    pthread_mutex_unlock(&history->mutex);
}
