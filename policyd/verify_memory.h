/*
 * verify_memory - what this process remembers of addresses and of those who ask for them, all
 * of it bounded: the records that Redis told, the recipients a session guessed, and whose
 * address was deferred for lack of probes. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_VERIFY_MEMORY_H
#define POSTVALVE_POLICYD_VERIFY_MEMORY_H

#include "common/address.h"
#include "common/l1_store.h"
#include "common/recipient_address.h"
#include "common/recipient_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_memory;

/* entries: most records of addresses. */
struct verify_memory *verify_memory_create(size_t entries);
/* NULL is fine. */
void verify_memory_free(struct verify_memory *memory);

/* L1_FRESH: no need to ask Redis. L1_STALE: use it when there is no answer. record_r is always
 * written. */
enum l1_result verify_memory_get(struct verify_memory *memory,
                                 const struct recipient_hash *hash, int64_t now_ms,
                                 struct recipient_record *record_r);
/* What Redis answered. Only deliverable addresses are fresh for fresh_ms. */
void verify_memory_put(struct verify_memory *memory, const struct recipient_hash *hash,
                       const struct recipient_record *record, int64_t fresh_ms, int64_t now_ms);

/* Session RECIPIENT_ANY_SESSION: nothing is kept. */

/* The session asks for an address that Postfix verifies: whether it exists is seen later. */
void verify_memory_note_asked(struct verify_memory *memory, uint64_t session,
                              const struct recipient_hash *hash, int64_t now_ms);
/* The session was told that an address does not exist. */
void verify_memory_note_guess(struct verify_memory *memory, uint64_t session, int64_t now_ms);
/* How many unknown recipients it has asked for. */
int64_t verify_memory_guesses(struct verify_memory *memory, uint64_t session, int64_t now_ms);

/* Whether this client (its network) asked for the address retry_ms ago or longer, within a day;
 * and remembers that it asks now. */
bool verify_memory_has_come_back(struct verify_memory *memory, const struct address *client,
                                 const struct recipient_hash *hash, int64_t retry_ms,
                                 int64_t now_ms);

#endif
