#include "redis/redis_pool.h"

#include "common/memory.h"
#include "host/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define REDIS_SHARE 4 /* of the deadline: a quarter */

struct redis_pool {
    struct redis_server *server;
    pthread_mutex_t mutex;
    pthread_cond_t is_free; /* on the monotonic clock */
    struct redis_link **links;
    size_t link_count;
    struct redis_link **free_links; /* a stack: the same few stay warm */
    size_t free_count;
};

struct redis_pool *redis_pool_create(struct redis_server *server)
{
    struct redis_pool *pool = memory_allocate(1, sizeof(*pool));
    int64_t size = redis_server_settings(server)->pool_size;
    pthread_condattr_t attributes;

    pool->server = server;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->is_free, &attributes);
    pthread_condattr_destroy(&attributes);

    pool->link_count = size < 1 ? 1 : (size_t)size;
    pool->links = memory_allocate(pool->link_count, sizeof(struct redis_link *));
    pool->free_links = memory_allocate(pool->link_count, sizeof(struct redis_link *));
    for (size_t i = 0; i < pool->link_count; i++)
        pool->free_links[pool->free_count++] = pool->links[i] = redis_link_create(server);
    return pool;
}

void redis_pool_free(struct redis_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->link_count; i++)
        redis_link_free(pool->links[i]);
    pthread_cond_destroy(&pool->is_free);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->links);
    free(pool->free_links);
    free(pool);
}

struct redis_link *redis_pool_acquire(struct redis_pool *pool, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    struct redis_link *link = NULL;

    if (!redis_server_may_try(pool->server, REDIS_USE_READ))
        return NULL;
    pthread_mutex_lock(&pool->mutex);
    while (pool->free_count == 0)
        if (pthread_cond_timedwait(&pool->is_free, &pool->mutex, &until) != 0)
            break;
    if (pool->free_count > 0)
        link = pool->free_links[--pool->free_count];
    pthread_mutex_unlock(&pool->mutex);
    return link;
}

void redis_pool_release(struct redis_pool *pool, struct redis_link *link)
{
    pthread_mutex_lock(&pool->mutex);
    pool->free_links[pool->free_count++] = link;
    pthread_cond_signal(&pool->is_free);
    pthread_mutex_unlock(&pool->mutex);
}

/* A link that comes at the last moment is of no use: asked without time left to answer, a good
 * Redis would look like one that hangs. Part of the deadline is Redis' own. */
static struct redis_link *acquire_in_time(struct redis_pool *pool, int64_t *until_ms_r)
{
    int64_t deadline_ms = redis_server_settings(pool->server)->deadline_ms;
    *until_ms_r = clock_monotonic_ms() + deadline_ms;
    return redis_pool_acquire(pool, *until_ms_r - deadline_ms / REDIS_SHARE);
}

bool redis_pool_read_client(struct redis_pool *pool, const struct client_key *key,
                            enum history_state *state_r, struct client_record *record_r)
{
    int64_t until_ms;
    struct redis_link *link = acquire_in_time(pool, &until_ms);
    if (!link) {
        *state_r = HISTORY_MISSING;
        *record_r = (struct client_record){0};
        return false;
    }
    bool is_answered = redis_link_read_client(link, key, until_ms, state_r, record_r);
    redis_pool_release(pool, link);
    return is_answered;
}

struct reading {
    struct history_fact *facts[SCOPE_COUNT];
    struct redis_server *server;
};

/* A key that holds something else is told of, and is no answer. */
static void take_client(void *context, size_t index, const struct redis_reply *reply)
{
    struct reading *reading = context;
    struct history_fact *fact = reading->facts[index];
    if (reply->type == REDIS_REPLY_IS_ERROR)
        redis_server_failed(reading->server, REDIS_USE_READ, REDIS_TROUBLE_COMMAND,
                            reply->text);
    else
        fact->state = redis_reply_read_client(reply, &fact->record);
}

void redis_pool_read_clients(struct redis_pool *pool, const struct client_key *const *keys,
                             size_t count, struct history_fact *facts_r)
{
    char buffer[SCOPE_COUNT * (REDIS_KEY_SIZE + 64)];
    struct redis_command command = REDIS_COMMAND(buffer);
    const char *prefix = redis_server_settings(pool->server)->prefix;
    struct reading reading = {.server = pool->server};
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_READ, .callback = take_client, .context = &reading};
    struct error error;

    for (size_t i = 0; i < count; i++) {
        struct redis_key key;
        facts_r[i] = (struct history_fact){.state = HISTORY_NONE};
        if (keys[i]->kind == CLIENT_KEY_NONE)
            continue;
        facts_r[i].state = HISTORY_MISSING;
        redis_key_client(&key, prefix, keys[i]);
        redis_command_read_hash(&command, redis_key_slice(&key));
        reading.facts[pipeline.count++] = &facts_r[i];
    }
    pipeline.commands = (struct slice){command.data, command.length};
    if (pipeline.count == 0 || command.is_overflown)
        return;
    int64_t until_ms;
    struct redis_link *link = acquire_in_time(pool, &until_ms);
    if (!link)
        return;
    redis_link_pipeline(link, &pipeline, until_ms, NULL, &error);
    redis_pool_release(pool, link);
}

bool redis_pool_read_hash(struct redis_pool *pool, struct slice key,
                          void (*callback)(void *context, const struct redis_field *field),
                          void *context, struct error *error)
{
    int64_t until_ms;
    struct redis_link *link = acquire_in_time(pool, &until_ms);
    if (!link)
        return error_set(error, "Redis is away, or all connections are in use");
    bool is_answered = redis_link_read_hash(link, key, until_ms, callback, context, error);
    redis_pool_release(pool, link);
    return is_answered;
}
