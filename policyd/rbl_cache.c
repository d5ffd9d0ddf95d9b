#include "policyd/rbl_cache.h"

#include "common/memory.h"
#include "common/siphash.h"
#include "host/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ENTRIES_PER_TEXT 16 /* few clients are listed, and fewer need a text */
#define TEXTS_MIN        16

struct rbl_cache {
    uint8_t seeds[3][SIPHASH_KEY_SIZE]; /* two for names, one for the stores */
    struct l1_store *answers, *texts;
};

struct rbl_cache *rbl_cache_create(size_t entries)
{
    struct rbl_cache *cache = memory_allocate(1, sizeof(*cache));
    size_t texts = entries / ENTRIES_PER_TEXT;
    if (getrandom(cache->seeds, sizeof(cache->seeds), 0) != (ssize_t)sizeof(cache->seeds))
        log_warning(
            "policyd: no random bytes: clients can choose who shares a place in memory");
    cache->answers = l1_store_create(entries, sizeof(struct rbl_name_key),
                                     sizeof(struct rbl_answer), cache->seeds[2]);
    cache->texts =
        l1_store_create(texts < TEXTS_MIN ? TEXTS_MIN : texts, sizeof(struct rbl_name_key),
                        sizeof(struct rbl_text), cache->seeds[2]);
    return cache;
}

void rbl_cache_free(struct rbl_cache *cache)
{
    if (!cache)
        return;
    l1_store_free(cache->answers);
    l1_store_free(cache->texts);
    free(cache);
}

struct rbl_name_key rbl_cache_key(const struct rbl_cache *cache, struct slice name)
{
    return (struct rbl_name_key){{siphash(cache->seeds[0], name.data, name.length),
                                  siphash(cache->seeds[1], name.data, name.length)}};
}

static struct slice key_bytes(const struct rbl_name_key *key)
{
    return (struct slice){(const char *)key, sizeof(*key)};
}

bool rbl_cache_get(struct rbl_cache *cache, const struct rbl_name_key *key, int64_t now_ms,
                   struct rbl_answer *answer_r)
{
    void *value;
    if (l1_store_get(cache->answers, key_bytes(key), now_ms, &value) != L1_FRESH)
        return false;
    *answer_r = *(const struct rbl_answer *)value;
    return true;
}

void rbl_cache_put(struct rbl_cache *cache, const struct rbl_name_key *key,
                   const struct rbl_answer *answer, int64_t fresh_until_ms)
{
    l1_store_put(cache->answers, key_bytes(key), answer, fresh_until_ms);
}

bool rbl_cache_get_text(struct rbl_cache *cache, const struct rbl_name_key *key, int64_t now_ms,
                        struct slice *text_r)
{
    void *value;
    if (l1_store_get(cache->texts, key_bytes(key), now_ms, &value) != L1_FRESH)
        return false;
    const struct rbl_text *text = value;
    *text_r = (struct slice){text->text, text->length};
    return true;
}

void rbl_cache_put_text(struct rbl_cache *cache, const struct rbl_name_key *key,
                        struct slice text, int64_t fresh_until_ms)
{
    struct rbl_text value = {
        .length = (uint16_t)(text.length < RBL_TEXT_MAX ? text.length : RBL_TEXT_MAX)};
    if (value.length > 0)
        memcpy(value.text, text.data, value.length);
    l1_store_put(cache->texts, key_bytes(key), &value, fresh_until_ms);
}

struct l1_store_counters rbl_cache_counters(const struct rbl_cache *cache)
{
    return l1_store_counters(cache->answers);
}
