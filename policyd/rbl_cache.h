/*
 * rbl_cache - answers of DNS lists in memory, by the name that was asked for, and the texts of
 * those that were needed for a reply: two l1_stores. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_RBL_CACHE_H
#define POSTVALVE_POLICYD_RBL_CACHE_H

#include "common/l1_store.h"
#include "common/rbl_answer.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names come from clients: only their hash under a secret key is kept. */
struct rbl_name_key {
    uint64_t words[2];
};

struct rbl_text {
    uint16_t length;
    char text[RBL_TEXT_MAX];
};

struct rbl_cache;

struct rbl_cache *rbl_cache_create(size_t entries);
/* NULL is fine. */
void rbl_cache_free(struct rbl_cache *cache);

struct rbl_name_key rbl_cache_key(const struct rbl_cache *cache, struct slice name);

/* False: not there, or too old. */
bool rbl_cache_get(struct rbl_cache *cache, const struct rbl_name_key *key, int64_t now_ms,
                   struct rbl_answer *answer_r);
void rbl_cache_put(struct rbl_cache *cache, const struct rbl_name_key *key,
                   const struct rbl_answer *answer, int64_t fresh_until_ms);
/* text_r points into the cache until the next call. */
bool rbl_cache_get_text(struct rbl_cache *cache, const struct rbl_name_key *key, int64_t now_ms,
                        struct slice *text_r);
void rbl_cache_put_text(struct rbl_cache *cache, const struct rbl_name_key *key,
                        struct slice text, int64_t fresh_until_ms);

struct l1_store_counters rbl_cache_counters(const struct rbl_cache *cache);

#endif
