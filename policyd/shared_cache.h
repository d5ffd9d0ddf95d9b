/*
 * shared_cache - keys and values of Postfix's own caches, in Redis for all hosts, with memory
 * behind it for the time when Redis is away (doc/redis.md: cache).
 *
 * A question always gets a proper answer: without Redis, that of memory. Nothing else would do.
 * Postfix reads a failure as a reason to sleep for a second and to try again, and verify(8) and
 * postscreen(8) are one process each.
 *
 * Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_SHARED_CACHE_H
#define POSTVALVE_POLICYD_SHARED_CACHE_H

#include "common/config.h"
#include "common/recipient_address.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_async_request;
struct shared_cache;
struct store;

enum cache_operation { CACHE_GET, CACHE_SET, CACHE_ADD, CACHE_DELETE };

struct cache_question {
    enum cache_operation operation;
    struct slice key;   /* RECIPIENT_HASH_BYTES_MAX at most */
    uint32_t flags;     /* set and add; as the next two */
    struct slice value; /* MEMCACHE_VALUE_MAX at most */
    int64_t expire_s;   /* 1 or more */
};

struct cache_answer {
    bool is_done; /* get and delete: it was there; add: it was not; set: always */
    uint32_t flags;
    struct slice value; /* of a get; lives as long as the call */
};

/* A question on its way; zeroed: none. */
struct cache_inquiry {
    void (*callback)(void *context, const struct cache_answer *answer);
    void *context;
    /* The rest is shared_cache's. */
    struct shared_cache *cache;
    struct redis_async_request *request;
    enum cache_operation operation;
    struct recipient_hash key;
    int64_t left_ms;    /* get: until the entry expires */
    uint64_t version;   /* of what was put into memory */
    bool was_in_memory; /* add, delete */
};

/* config must live until the next reload, the store as long as this. */
struct shared_cache *shared_cache_create(struct store *store, const struct config *config);
/* NULL is fine. */
void shared_cache_free(struct shared_cache *cache);
void shared_cache_reload(struct shared_cache *cache, const struct config *config);

/* The callback of the inquiry comes exactly once, perhaps from within this, unless the inquiry
 * is cancelled. Nothing of the question need outlive the call. */
void shared_cache_ask(struct shared_cache *cache, const struct cache_question *question,
                      struct cache_inquiry *inquiry);
/* Nothing to do where none is on its way. */
void cache_inquiry_cancel(struct cache_inquiry *inquiry);

#endif
