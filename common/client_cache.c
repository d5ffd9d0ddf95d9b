#include "common/client_cache.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

struct client_cache {
    uint8_t seed[SIPHASH_KEY_SIZE];
    struct l1_store *store;
    int64_t fresh_ms;
};

struct cached {
    struct client_record record; /* all zero unless HISTORY_KNOWN */
    enum history_state state;
};

/* Keys longer than this (long domains) stand as their beginning and their hash, so that the
 * many short ones do not pay for them. */
#define KEY_MAX 24

struct short_key {
    char bytes[KEY_MAX];
};

static struct slice key_bytes(const struct client_cache *cache, const struct client_key *key,
                              struct short_key *buffer)
{
    struct slice bytes = client_key_bytes(key);
    if (bytes.length <= KEY_MAX)
        return bytes;
    uint64_t hash = siphash(cache->seed, bytes.data, bytes.length);
    size_t rest = KEY_MAX - sizeof(hash);
    memcpy(buffer->bytes, bytes.data, rest);
    memcpy(buffer->bytes + rest, &hash, sizeof(hash));
    return (struct slice){buffer->bytes, KEY_MAX};
}

struct client_cache *client_cache_create(size_t clients, int64_t fresh_ms,
                                         const uint8_t seed[static SIPHASH_KEY_SIZE])
{
    struct client_cache *cache = memory_allocate(1, sizeof(*cache));
    cache->store = l1_store_create(clients, KEY_MAX, sizeof(struct cached), seed);
    memcpy(cache->seed, seed, sizeof(cache->seed));
    cache->fresh_ms = fresh_ms;
    return cache;
}

void client_cache_free(struct client_cache *cache)
{
    if (!cache)
        return;
    l1_store_free(cache->store);
    free(cache);
}

enum l1_result client_cache_get(struct client_cache *cache, const struct client_key *key,
                                int64_t now_ms, enum history_state *state_r,
                                struct client_record *record_r)
{
    struct short_key buffer;
    void *value;
    enum l1_result result =
        l1_store_get(cache->store, key_bytes(cache, key, &buffer), now_ms, &value);
    struct cached absent = {.state = HISTORY_MISSING};
    const struct cached *cached = value ? value : &absent;
    *state_r = cached->state;
    *record_r = cached->record;
    return result;
}

void client_cache_put(struct client_cache *cache, const struct client_key *key,
                      enum history_state state, const struct client_record *record,
                      int64_t now_ms)
{
    struct short_key buffer;
    struct cached cached = {.state = state};
    if (state == HISTORY_MISSING)
        return;
    if (state == HISTORY_KNOWN)
        cached.record = *record;
    l1_store_put(cache->store, key_bytes(cache, key, &buffer), &cached,
                 now_ms + cache->fresh_ms);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Both as of the later of their times; of each count the higher one. */
static struct client_record merge_records(const struct client_record *a,
                                          const struct client_record *b)
{
    struct client_record merged = *a, other = *b;
    int64_t now_s = later(a->last_seen_s, b->last_seen_s);
    client_record_decay(&merged, now_s);
    client_record_decay(&other, now_s);
    if (merged.first_seen_s == 0 ||
        (other.first_seen_s != 0 && other.first_seen_s < merged.first_seen_s))
        merged.first_seen_s = other.first_seen_s;
    merged.hung_up_at_s = later(merged.hung_up_at_s, other.hung_up_at_s);
    merged.shared_at_s = later(merged.shared_at_s, other.shared_at_s);
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        if (merged.counts[kind] < other.counts[kind])
            merged.counts[kind] = other.counts[kind];
    return merged;
}

void client_cache_merge(struct client_cache *cache, const struct client_key *key,
                        enum history_state state, const struct client_record *record,
                        int64_t now_ms)
{
    struct short_key buffer;
    void *value;
    l1_store_get(cache->store, key_bytes(cache, key, &buffer), now_ms, &value);
    const struct cached *cached = value;
    if (state == HISTORY_MISSING || !cached || cached->state != HISTORY_KNOWN) {
        client_cache_put(cache, key, state, record, now_ms);
        return;
    }
    struct client_record merged =
        state == HISTORY_KNOWN ? merge_records(&cached->record, record) : cached->record;
    client_cache_put(cache, key, HISTORY_KNOWN, &merged, now_ms);
}

void client_cache_add(struct client_cache *cache, const struct client_key *key,
                      const struct session_outcome *outcome, int64_t now_s)
{
    struct short_key buffer;
    void *value;
    l1_store_get(cache->store, key_bytes(cache, key, &buffer), 0, &value);
    struct cached added = {.state = HISTORY_KNOWN};
    struct cached *cached = value ? value : &added;
    cached->state = HISTORY_KNOWN;
    client_record_add(&cached->record, outcome, now_s);
    if (!value)
        l1_store_put(cache->store, key_bytes(cache, key, &buffer), &added, 0);
}

void client_cache_remove(struct client_cache *cache, const struct client_key *key)
{
    struct short_key buffer;
    l1_store_remove(cache->store, key_bytes(cache, key, &buffer));
}

size_t client_cache_count(const struct client_cache *cache)
{
    return l1_store_count(cache->store);
}

struct l1_store_counters client_cache_counters(const struct client_cache *cache)
{
    return l1_store_counters(cache->store);
}
