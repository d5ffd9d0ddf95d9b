/*
 * redis_pool - a fixed number of redis_links for any number of threads.
 *
 * A thread waits for a free link and for Redis together no longer than the deadline; while the
 * breaker is open it does not wait at all. Thread-safe.
 */
#ifndef POSTVALVE_REDIS_REDIS_POOL_H
#define POSTVALVE_REDIS_REDIS_POOL_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_record.h"
#include "redis/redis_link.h"
#include "redis/redis_server.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_pool;

/* As many links as the settings say (pool_size). server must outlive it. */
struct redis_pool *redis_pool_create(struct redis_server *server);
/* No thread may be in it or come any more. NULL is fine. */
void redis_pool_free(struct redis_pool *pool);

/* False: no answer in time; state_r is HISTORY_MISSING. */
bool redis_pool_read_client(struct redis_pool *pool, const struct client_key *key,
                            enum history_state *state_r, struct client_record *record_r);
/* Several clients' records in one round trip. Of a key that there is no answer for facts_r[i]
 * is HISTORY_MISSING, of CLIENT_KEY_NONE it is HISTORY_NONE. count: at most SCOPE_COUNT. */
void redis_pool_read_clients(struct redis_pool *pool, const struct client_key *const *keys,
                             size_t count, struct history_fact *facts_r);
/* As redis_link_read_hash(), with the deadline of the settings. */
bool redis_pool_read_hash(struct redis_pool *pool, struct slice key,
                          void (*callback)(void *context, const struct redis_field *field),
                          void *context, struct error *error);

/* A link for whatever else; NULL: none free until until_ms, or Redis is away. */
struct redis_link *redis_pool_acquire(struct redis_pool *pool, int64_t until_ms);
void redis_pool_release(struct redis_pool *pool, struct redis_link *link);

#endif
