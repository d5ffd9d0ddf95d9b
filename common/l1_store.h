/*
 * l1_store - a bounded store in memory in front of Redis: byte keys to values of a fixed size.
 *
 * One block, allocated at the start and never grown; pages never used cost nothing. When it is
 * full, the second-chance rule picks what goes: an entry that was asked for since the hand last
 * passed stays. Every entry has a time until which it is fresh; a stale one stays until it is
 * evicted, for the time when Redis is away.
 *
 * Keys come from clients: they are hashed with a secret seed. Not thread-safe: one thread owns
 * it, or a mutex of the owner does. Pure.
 */
#ifndef POSTVALVE_COMMON_L1_STORE_H
#define POSTVALVE_COMMON_L1_STORE_H

#include "common/siphash.h"
#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

#define L1_STORE_KEY_MAX      40         /* bytes */
#define L1_STORE_CAPACITY_MAX 0x40000000 /* entries */

enum l1_result { L1_ABSENT, L1_STALE, L1_FRESH };

struct l1_store;

struct l1_store_counters {
    uint64_t fresh, stale, absent; /* results of l1_store_get() */
    uint64_t evicted;
};

/* capacity: entries, 1 to L1_STORE_CAPACITY_MAX; key_max: 1 to L1_STORE_KEY_MAX bytes. An entry
 * takes 16 bytes, key_max rounded up to 8, and value_size rounded up to 8; and 4 to 8 bytes of
 * index. */
struct l1_store *l1_store_create(size_t capacity, size_t key_max, size_t value_size,
                                 const uint8_t seed[static SIPHASH_KEY_SIZE]);
void l1_store_free(struct l1_store *store);

/* value_r points to the stored value (aligned for any type) until the next put or remove, and
 * may be written to; NULL when absent. A key longer than key_max is absent. */
enum l1_result l1_store_get(struct l1_store *store, struct slice key, int64_t now_ms,
                            void **value_r);
/* Replaces or adds a copy of value; false when the key is empty or longer than key_max. */
bool l1_store_put(struct l1_store *store, struct slice key, const void *value,
                  int64_t fresh_until_ms);
/* True when there was one. */
bool l1_store_remove(struct l1_store *store, struct slice key);

size_t l1_store_count(const struct l1_store *store);
struct l1_store_counters l1_store_counters(const struct l1_store *store);

#endif
