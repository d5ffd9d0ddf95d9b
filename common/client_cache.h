/*
 * client_cache - the client records that this process remembers: the l1_store of client keys.
 *
 * Not thread-safe: policyd owns it alone, the milter guards it with a mutex. Pure; the two
 * clocks are inputs: monotonic milliseconds for freshness, wall-clock seconds for history.
 */
#ifndef POSTVALVE_COMMON_CLIENT_CACHE_H
#define POSTVALVE_COMMON_CLIENT_CACHE_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_record.h"
#include "common/l1_store.h"

#include <stddef.h>
#include <stdint.h>

struct client_cache;

/* clients: most records kept, >= 1; seed: random bytes, see getrandom(2). */
struct client_cache *client_cache_create(size_t clients, int64_t fresh_ms,
                                         const uint8_t seed[static SIPHASH_KEY_SIZE]);
void client_cache_free(struct client_cache *cache);

/* L1_FRESH: no need to ask Redis. L1_STALE: ask, and use this when there is no answer.
 * L1_ABSENT: state_r is HISTORY_MISSING. record_r is always written. */
enum l1_result client_cache_get(struct client_cache *cache, const struct client_key *key,
                                int64_t now_ms, enum history_state *state_r,
                                struct client_record *record_r);
/* What Redis answered, in place of what is here; fresh for fresh_ms. HISTORY_MISSING is no
 * answer and changes nothing. record may be NULL unless HISTORY_KNOWN. */
void client_cache_put(struct client_cache *cache, const struct client_key *key,
                      enum history_state state, const struct client_record *record,
                      int64_t now_ms);
/* As client_cache_put(), while Redis takes no writes and so does not know what was added here:
 * of each count the higher one stays. */
void client_cache_merge(struct client_cache *cache, const struct client_key *key,
                        enum history_state state, const struct client_record *record,
                        int64_t now_ms);
/* Adds the outcome of a session here (Redis is told separately). It does not make a record
 * fresh: what is known of a client that was absent is only what this process saw. */
void client_cache_add(struct client_cache *cache, const struct client_key *key,
                      const struct session_outcome *outcome, int64_t now_s);
void client_cache_remove(struct client_cache *cache, const struct client_key *key);

size_t client_cache_count(const struct client_cache *cache);
struct l1_store_counters client_cache_counters(const struct client_cache *cache);

#endif
