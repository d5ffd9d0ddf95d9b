#include "common/cache_memory.h"

#include "common/l1_store.h"
#include "common/memory.h"
#include "common/number.h"

#include <stdio.h>
#include <stdlib.h>

struct cache_memory {
    struct l1_store *store;
    uint64_t version; /* of the last put */
};

static struct slice key_bytes(const struct recipient_hash *key)
{
    return (struct slice){(const char *)key->bytes, sizeof(key->bytes)};
}

struct cache_memory *cache_memory_create(size_t entries,
                                         const uint8_t seed[static SIPHASH_KEY_SIZE])
{
    struct cache_memory *memory = memory_allocate(1, sizeof(*memory));
    memory->store =
        l1_store_create(entries, RECIPIENT_HASH_SIZE, sizeof(struct cache_entry), seed);
    return memory;
}

void cache_memory_free(struct cache_memory *memory)
{
    if (!memory)
        return;
    l1_store_free(memory->store);
    free(memory);
}

static struct cache_entry *find(struct cache_memory *memory, const struct recipient_hash *key,
                                int64_t now_ms)
{
    void *value;
    if (l1_store_get(memory->store, key_bytes(key), now_ms, &value) != L1_FRESH)
        return NULL;
    return value;
}

const struct cache_entry *cache_memory_get(struct cache_memory *memory,
                                           const struct recipient_hash *key, int64_t now_ms)
{
    return find(memory, key, now_ms);
}

uint64_t cache_memory_put(struct cache_memory *memory, const struct recipient_hash *key,
                          uint32_t flags, struct slice value, int64_t expires_ms,
                          bool is_unwritten)
{
    struct cache_entry entry = {
        .expires_ms = expires_ms,
        .version = ++memory->version,
        .flags = flags,
        .length = (uint16_t)value.length,
        .is_unwritten = is_unwritten,
    };
    if (value.length > CACHE_MEMORY_VALUE_MAX) {
        l1_store_remove(memory->store, key_bytes(key));
        return entry.version;
    }
    if (value.length > 0)
        memcpy(entry.value, value.data, value.length);
    l1_store_put(memory->store, key_bytes(key), &entry, expires_ms);
    return entry.version;
}

void cache_memory_written(struct cache_memory *memory, const struct recipient_hash *key,
                          uint64_t version)
{
    struct cache_entry *entry = find(memory, key, INT64_MIN);
    if (entry && entry->version == version)
        entry->is_unwritten = false;
}

bool cache_memory_remove(struct cache_memory *memory, const struct recipient_hash *key,
                         int64_t now_ms)
{
    bool was_there = find(memory, key, now_ms) != NULL;
    l1_store_remove(memory->store, key_bytes(key));
    return was_there;
}

size_t cache_format_flags(uint32_t flags, char out[static CACHE_FLAGS_SIZE])
{
    return (size_t)snprintf(out, CACHE_FLAGS_SIZE, "%lu ", (unsigned long)flags);
}

bool cache_parse_stored(struct slice text, uint32_t *flags_r, struct slice *value_r)
{
    const char *space = text.length > 0 ? memchr(text.data, ' ', text.length) : NULL;
    int64_t flags;
    if (!space || !number_parse((struct slice){text.data, (size_t)(space - text.data)},
                                UINT32_MAX, &flags))
        return false;
    *flags_r = (uint32_t)flags;
    *value_r = (struct slice){space + 1, text.length - (size_t)(space + 1 - text.data)};
    return true;
}
