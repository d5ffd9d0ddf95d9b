#include "milter/history.h"

#include "common/client_cache.h"
#include "common/memory.h"
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

static enum l1_result look_up(struct history *history, const struct client_key *key,
                              int64_t now_ms, enum history_state *state_r,
                              struct client_record *record_r)
{
    pthread_mutex_lock(&history->mutex);
    enum l1_result result = client_cache_get(history->cache, key, now_ms, state_r, record_r);
    pthread_mutex_unlock(&history->mutex);
    return result;
}

/* While Redis takes no writes, it does not know what we have seen since. */
static void keep(struct history *history, const struct client_key *key,
                 enum history_state state, const struct client_record *record, int64_t now_ms)
{
    bool is_written = redis_server_is_well(history->server, REDIS_USE_WRITE);
    pthread_mutex_lock(&history->mutex);
    if (is_written)
        client_cache_put(history->cache, key, state, record, now_ms);
    else
        client_cache_merge(history->cache, key, state, record, now_ms);
    pthread_mutex_unlock(&history->mutex);
}

enum history_state history_read(struct history *history, const struct client_key *key,
                                int64_t now_ms, struct client_record *record_r)
{
    enum history_state state;
    if (look_up(history, key, now_ms, &state, record_r) == L1_FRESH)
        return state;

    enum history_state answer;
    struct client_record record;
    if (!redis_pool_read_client(history->pool, key, &answer, &record))
        return state; /* of a stale record, or HISTORY_MISSING */
    keep(history, key, answer, &record, now_ms);
    look_up(history, key, now_ms, &state, record_r);
    return state;
}

enum history_state history_read_memory(struct history *history, const struct client_key *key,
                                       int64_t now_ms, struct client_record *record_r)
{
    enum history_state state;
    look_up(history, key, now_ms, &state, record_r);
    return state;
}

void history_add(struct history *history, const struct client_key *key,
                 const struct session_outcome *outcome, int64_t now_s)
{
    pthread_mutex_lock(&history->mutex);
    client_cache_add(history->cache, key, outcome, now_s);
    if (history->writer)
        redis_writer_update_client(history->writer, key, outcome);
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
