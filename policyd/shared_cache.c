#include "policyd/shared_cache.h"

#include "common/cache_memory.h"
#include "common/memcache_request.h"
#include "common/memory.h"
#include "common/redis_command.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/redis_text.h"
#include "policyd/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define COMMAND_SIZE     (MEMCACHE_VALUE_MAX + REDIS_KEY_SIZE + 256)
#define READ_MEMORY_MS   86400000
#define KIND_CACHE       'c'
#define ARGUMENTS_OF_SET 6

struct shared_cache {
    struct store *store;
    const struct config *config;
    struct cache_memory *memory;
};

static void open_memory(struct shared_cache *cache)
{
    uint8_t seed[SIPHASH_KEY_SIZE] = {0};
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        log_warning(
            "policyd: no random bytes: clients can choose who shares a place in memory");
    cache->memory = cache_memory_create((size_t)cache->config->memcache.memory_entries, seed);
}

struct shared_cache *shared_cache_create(struct store *store, const struct config *config)
{
    struct shared_cache *cache = memory_allocate(1, sizeof(*cache));
    cache->store = store;
    cache->config = config;
    open_memory(cache);
    return cache;
}

void shared_cache_free(struct shared_cache *cache)
{
    if (!cache)
        return;
    cache_memory_free(cache->memory);
    free(cache);
}

void shared_cache_reload(struct shared_cache *cache, const struct config *config)
{
    bool is_same_size =
        cache->config->memcache.memory_entries == config->memcache.memory_entries;
    cache->config = config;
    if (is_same_size)
        return;
    cache_memory_free(cache->memory);
    open_memory(cache);
}

static void answer(struct cache_inquiry *inquiry, bool is_done, uint32_t flags,
                   struct slice value)
{
    const struct cache_answer found = {is_done, flags, value};
    inquiry->request = NULL;
    inquiry->callback(inquiry->context, &found);
}

static void answer_done(struct cache_inquiry *inquiry, bool is_done)
{
    answer(inquiry, is_done, 0, (struct slice){NULL, 0});
}

/* -- commands ----------------------------------------------------------------------------- */

static struct slice get_key(const struct shared_cache *cache, const struct recipient_hash *hash,
                            struct redis_key *key_r)
{
    redis_key_cache(key_r, cache->config->redis.prefix, hash);
    return redis_key_slice(key_r);
}

/* SET key "FLAGS VALUE" EX seconds [NX] */
static void write_set(const struct shared_cache *cache, struct redis_command *command,
                      const struct recipient_hash *hash, const struct cache_question *what)
{
    char text[CACHE_FLAGS_SIZE + MEMCACHE_VALUE_MAX], expire[24];
    struct redis_key key;
    bool is_add = what->operation == CACHE_ADD;
    size_t length = cache_format_flags(what->flags, text);
    if (what->value.length > 0)
        memcpy(text + length, what->value.data, what->value.length);
    snprintf(expire, sizeof(expire), "%" PRId64, what->expire_s);
    redis_command_begin(command, is_add ? ARGUMENTS_OF_SET : ARGUMENTS_OF_SET - 1);
    redis_command_add(command, SLICE_LITERAL("SET"));
    redis_command_add(command, get_key(cache, hash, &key));
    redis_command_add(command, (struct slice){text, length + what->value.length});
    redis_command_add(command, SLICE_LITERAL("EX"));
    redis_command_add(command, slice_from_string(expire));
    if (is_add)
        redis_command_add(command, SLICE_LITERAL("NX"));
}

/* -- get ---------------------------------------------------------------------------------- */

/* Redis has lost, or never got, what this host stored while Redis was away. */
static void write_again(struct shared_cache *cache, const struct recipient_hash *hash,
                        const struct cache_entry *entry, int64_t now_ms)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    const struct cache_question what = {
        .operation = CACHE_ADD, /* another host may have been faster */
        .flags = entry->flags,
        .value = cache_entry_value(entry),
        .expire_s = (entry->expires_ms - now_ms + 999) / 1000,
    };
    write_set(cache, &command, hash, &what);
    redis_write_command(cache->store->redis, &command);
}

static void answer_from_memory(struct cache_inquiry *inquiry, bool is_redis_away)
{
    struct shared_cache *cache = inquiry->cache;
    int64_t now_ms = clock_monotonic_ms();
    const struct cache_entry *entry = cache_memory_get(cache->memory, &inquiry->key, now_ms);
    if (!entry || !(is_redis_away || entry->is_unwritten)) {
        COUNT(MEMCACHE_GETS, CACHE_FOUND_NOWHERE);
        answer_done(inquiry, false);
        return;
    }
    if (!is_redis_away)
        write_again(cache, &inquiry->key, entry, now_ms);
    COUNT(MEMCACHE_GETS, CACHE_FOUND_MEMORY);
    answer(inquiry, true, entry->flags, cache_entry_value(entry));
}

/* Of a value in Redis, in memory. Without an expiry it is not of ours. */
static int64_t get_expires_ms(const struct cache_inquiry *inquiry)
{
    int64_t left_ms = inquiry->left_ms > 0 ? inquiry->left_ms : READ_MEMORY_MS;
    return clock_monotonic_ms() + left_ms;
}

/* The first answer is how long the entry has left, the second the entry. */
static void on_get(void *context, size_t index, const struct redis_reply *reply)
{
    struct cache_inquiry *inquiry = context;
    uint32_t flags;
    struct slice value;
    if (index == 0) {
        inquiry->left_ms = reply ? reply->integer : 0;
    } else if (!reply) {
        answer_from_memory(inquiry, true);
    } else if (reply->type != REDIS_REPLY_IS_TEXT ||
               !cache_parse_stored(reply->text, &flags, &value) ||
               value.length > MEMCACHE_VALUE_MAX) {
        answer_from_memory(inquiry, false);
    } else {
        cache_memory_put(inquiry->cache->memory, &inquiry->key, flags, value,
                         get_expires_ms(inquiry), false);
        COUNT(MEMCACHE_GETS, CACHE_FOUND_REDIS);
        answer(inquiry, true, flags, value);
    }
}

static void ask_get(struct shared_cache *cache, struct cache_inquiry *inquiry)
{
    struct redis_key key;
    inquiry->request = redis_text_read(cache->store->redis, get_key(cache, &inquiry->key, &key),
                                       on_get, inquiry);
    if (!inquiry->request)
        answer_from_memory(inquiry, true);
}

/* -- set and add -------------------------------------------------------------------------- */

static void finish_set(struct cache_inquiry *inquiry, const struct redis_reply *reply)
{
    struct cache_memory *memory = inquiry->cache->memory;
    bool is_stored = reply && reply->type == REDIS_REPLY_IS_TEXT;
    if (!reply) {
        COUNT(MEMCACHE_UNWRITTEN);
        answer_done(inquiry, !inquiry->was_in_memory);
        return;
    }
    /* An add can turn out otherwise than memory thought. */
    if (is_stored == inquiry->was_in_memory)
        cache_memory_remove(memory, &inquiry->key, 0);
    else if (is_stored)
        cache_memory_written(memory, &inquiry->key, inquiry->version);
    answer_done(inquiry, is_stored);
}

static void on_set(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    finish_set(context, reply);
}

static void ask_set(struct shared_cache *cache, const struct cache_question *question,
                    struct cache_inquiry *inquiry)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    int64_t now_ms = clock_monotonic_ms();
    /* Of a set: false. */
    inquiry->was_in_memory = question->operation == CACHE_ADD &&
                             cache_memory_get(cache->memory, &inquiry->key, now_ms) != NULL;
    if (!inquiry->was_in_memory)
        inquiry->version =
            cache_memory_put(cache->memory, &inquiry->key, question->flags, question->value,
                             now_ms + question->expire_s * 1000, true);
    COUNT(MEMCACHE_SETS);
    write_set(cache, &command, &inquiry->key, question);
    inquiry->request =
        redis_async_send(cache->store->redis, REDIS_USE_WRITE, &command, 1, on_set, inquiry);
    if (!inquiry->request)
        finish_set(inquiry, NULL);
}

/* -- delete ------------------------------------------------------------------------------- */

static void on_delete(void *context, size_t index, const struct redis_reply *reply)
{
    struct cache_inquiry *inquiry = context;
    (void)index;
    answer_done(inquiry, (reply && reply->integer > 0) || inquiry->was_in_memory);
}

static void ask_delete(struct shared_cache *cache, struct cache_inquiry *inquiry)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    inquiry->was_in_memory =
        cache_memory_remove(cache->memory, &inquiry->key, clock_monotonic_ms());
    redis_command_begin(&command, 2);
    redis_command_add(&command, SLICE_LITERAL("DEL"));
    redis_command_add(&command, get_key(cache, &inquiry->key, &key));
    inquiry->request =
        redis_async_send(cache->store->redis, REDIS_USE_WRITE, &command, 1, on_delete, inquiry);
    if (!inquiry->request)
        on_delete(inquiry, 0, NULL);
}

/* -- for everybody ------------------------------------------------------------------------ */

void shared_cache_ask(struct shared_cache *cache, const struct cache_question *question,
                      struct cache_inquiry *inquiry)
{
    inquiry->cache = cache;
    inquiry->operation = question->operation;
    recipient_hash_bytes(&inquiry->key, &cache->config->verify.site_key, KIND_CACHE,
                         question->key);
    switch (question->operation) {
    case CACHE_GET:
        ask_get(cache, inquiry);
        break;
    case CACHE_DELETE:
        ask_delete(cache, inquiry);
        break;
    default:
        ask_set(cache, question, inquiry);
        break;
    }
}

void cache_inquiry_cancel(struct cache_inquiry *inquiry)
{
    if (inquiry->request)
        redis_async_forget(inquiry->cache->store->redis, inquiry);
    inquiry->request = NULL;
}
