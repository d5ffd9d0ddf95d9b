/*
 * cache_memory - what Postfix's caches hold, in memory: for the time when Redis is away. Pure.
 *
 * An entry is "unwritten" until Redis is known to have it: what was stored while Redis was away
 * is written to it when it is asked for again.
 */
#ifndef POSTVALVE_COMMON_CACHE_MEMORY_H
#define POSTVALVE_COMMON_CACHE_MEMORY_H

#include "common/recipient_address.h"
#include "common/siphash.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_MEMORY_VALUE_MAX 480 /* bytes; what is longer is not kept in memory */

struct cache_memory;

struct cache_entry {
    int64_t expires_ms;
    uint64_t version; /* differs for each put */
    uint32_t flags;
    uint16_t length;
    bool is_unwritten;
    char value[CACHE_MEMORY_VALUE_MAX];
};

/* entries: at most so many, of half a kilobyte each; memory that was never used costs nothing.
 */
struct cache_memory *cache_memory_create(size_t entries,
                                         const uint8_t seed[static SIPHASH_KEY_SIZE]);
void cache_memory_free(struct cache_memory *memory);

/* NULL: not there, or expired. Good until the next call. */
const struct cache_entry *cache_memory_get(struct cache_memory *memory,
                                           const struct recipient_hash *key, int64_t now_ms);
/* Replaces what is there, even where the value is too long to be kept. Returns the version. */
uint64_t cache_memory_put(struct cache_memory *memory, const struct recipient_hash *key,
                          uint32_t flags, struct slice value, int64_t expires_ms,
                          bool is_unwritten);
/* Redis has it now, unless something else was put meanwhile. */
void cache_memory_written(struct cache_memory *memory, const struct recipient_hash *key,
                          uint64_t version);
/* True when there was one that had not expired. */
bool cache_memory_remove(struct cache_memory *memory, const struct recipient_hash *key,
                         int64_t now_ms);

static inline struct slice cache_entry_value(const struct cache_entry *entry)
{
    return (struct slice){entry->value, entry->length};
}

/* -- in Redis: "FLAGS VALUE" -------------------------------------------------------------- */

#define CACHE_FLAGS_SIZE 12 /* with the space and the terminating zero */

size_t cache_format_flags(uint32_t flags, char out[static CACHE_FLAGS_SIZE]);
/* False: nothing of ours. The value points into text. */
bool cache_parse_stored(struct slice text, uint32_t *flags_r, struct slice *value_r);

#endif
