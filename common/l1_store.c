#include "common/l1_store.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

/* How far the hand goes for an entry that nobody asked for lately, before it takes one that
 * somebody did: the time of a put is bounded. */
#define HAND_STEPS_MAX 64

/* An entry lies in the block as this header, the key, the value. Entries are counted from 1, so
 * that zeroed memory is an empty store. */
struct entry {
    int64_t fresh_until_ms;
    uint32_t next;      /* in the same bucket; 0: last. Of a free entry: next free one */
    uint8_t key_length; /* 0: free */
    bool is_referenced; /* asked for since the hand passed */
};

struct l1_store {
    uint8_t seed[SIPHASH_KEY_SIZE];
    size_t capacity, key_max, value_offset, value_size, entry_size;
    size_t count;
    size_t used; /* entries ever used: those beyond have not been touched */
    uint32_t free_list;
    uint32_t hand;
    uint32_t bucket_mask;
    uint32_t *buckets;
    char *entries;
    struct l1_store_counters counters;
};

static size_t round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static size_t bucket_count(size_t capacity)
{
    size_t count = 1;
    while (count < capacity)
        count *= 2;
    return count;
}

struct l1_store *l1_store_create(size_t capacity, size_t key_max, size_t value_size,
                                 const uint8_t seed[static SIPHASH_KEY_SIZE])
{
    struct l1_store *store = memory_allocate(1, sizeof(*store));
    memcpy(store->seed, seed, sizeof(store->seed));
    store->capacity = capacity < 1                       ? 1
                      : capacity > L1_STORE_CAPACITY_MAX ? L1_STORE_CAPACITY_MAX
                                                         : capacity;
    store->key_max = key_max < L1_STORE_KEY_MAX ? key_max : L1_STORE_KEY_MAX;
    store->value_offset = round_up(sizeof(struct entry) + store->key_max);
    store->value_size = value_size;
    store->entry_size = store->value_offset + round_up(value_size);
    store->hand = 1;

    size_t buckets = bucket_count(store->capacity);
    store->bucket_mask = (uint32_t)(buckets - 1);
    store->buckets = memory_allocate(buckets, sizeof(store->buckets[0]));
    store->entries = memory_allocate(store->capacity, store->entry_size);
    return store;
}

void l1_store_free(struct l1_store *store)
{
    if (!store)
        return;
    free(store->entries);
    free(store->buckets);
    free(store);
}

static struct entry *entry_at(const struct l1_store *store, uint32_t index)
{
    return (struct entry *)(void *)(store->entries + (size_t)(index - 1) * store->entry_size);
}

static char *entry_key(struct entry *entry)
{
    return (char *)(entry + 1);
}

static void *entry_value(const struct l1_store *store, struct entry *entry)
{
    return (char *)entry + store->value_offset;
}

static uint32_t *bucket_of(const struct l1_store *store, struct slice key)
{
    return &store->buckets[siphash(store->seed, key.data, key.length) & store->bucket_mask];
}

/* Where the index of the entry stands, in its bucket or in the entry before it; there is 0 when
 * there is no such entry. */
static uint32_t *find(const struct l1_store *store, struct slice key)
{
    uint32_t *link = bucket_of(store, key);
    while (*link) {
        struct entry *entry = entry_at(store, *link);
        if (entry->key_length == key.length &&
            memcmp(entry_key(entry), key.data, key.length) == 0)
            break;
        link = &entry->next;
    }
    return link;
}

static bool is_key_valid(const struct l1_store *store, struct slice key)
{
    return key.length > 0 && key.length <= store->key_max;
}

enum l1_result l1_store_get(struct l1_store *store, struct slice key, int64_t now_ms,
                            void **value_r)
{
    uint32_t index = is_key_valid(store, key) ? *find(store, key) : 0;
    if (!index) {
        store->counters.absent++;
        *value_r = NULL;
        return L1_ABSENT;
    }
    struct entry *entry = entry_at(store, index);
    entry->is_referenced = true;
    *value_r = entry_value(store, entry);
    if (now_ms < entry->fresh_until_ms) {
        store->counters.fresh++;
        return L1_FRESH;
    }
    store->counters.stale++;
    return L1_STALE;
}

static void release(struct l1_store *store, uint32_t *link)
{
    uint32_t index = *link;
    struct entry *entry = entry_at(store, index);
    *link = entry->next;
    entry->key_length = 0;
    entry->next = store->free_list;
    store->free_list = index;
    store->count--;
}

/* Only called when all entries are in use. A new entry starts unreferenced: a flood of clients
 * that come once pushes out its own kind before those who come back. */
static void evict(struct l1_store *store)
{
    struct entry *entry;
    for (int steps = 0;; steps++) {
        entry = entry_at(store, store->hand);
        store->hand = store->hand < store->capacity ? store->hand + 1 : 1;
        if (!entry->is_referenced || steps == HAND_STEPS_MAX)
            break;
        entry->is_referenced = false;
    }
    release(store, find(store, (struct slice){entry_key(entry), entry->key_length}));
    store->counters.evicted++;
}

static uint32_t take_entry(struct l1_store *store)
{
    if (store->count == store->capacity)
        evict(store);
    uint32_t index = store->free_list;
    if (index)
        store->free_list = entry_at(store, index)->next;
    else
        index = (uint32_t)++store->used;
    store->count++;
    return index;
}

bool l1_store_put(struct l1_store *store, struct slice key, const void *value,
                  int64_t fresh_until_ms)
{
    if (!is_key_valid(store, key))
        return false;
    uint32_t index = *find(store, key);
    struct entry *entry;
    if (index) {
        entry = entry_at(store, index);
    } else {
        index = take_entry(store);
        entry = entry_at(store, index);
        uint32_t *bucket = bucket_of(store, key);
        entry->next = *bucket;
        *bucket = index;
        entry->key_length = (uint8_t)key.length;
        entry->is_referenced = false;
        memcpy(entry_key(entry), key.data, key.length);
    }
    entry->fresh_until_ms = fresh_until_ms;
    memcpy(entry_value(store, entry), value, store->value_size);
    return true;
}

bool l1_store_remove(struct l1_store *store, struct slice key)
{
    if (!is_key_valid(store, key))
        return false;
    uint32_t *link = find(store, key);
    if (!*link)
        return false;
    release(store, link);
    return true;
}

size_t l1_store_count(const struct l1_store *store)
{
    return store->count;
}

struct l1_store_counters l1_store_counters(const struct l1_store *store)
{
    return store->counters;
}
