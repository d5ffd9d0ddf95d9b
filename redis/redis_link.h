/*
 * redis_link - one blocking connection to Redis that keeps its deadline whatever Redis does.
 *
 * It connects when first used, logs in, and connects again after it was lost; while the breaker
 * of its redis_server is open it does not even try. One thread at a time. No call outlasts
 * until_ms (monotonic) but for scheduling.
 */
#ifndef POSTVALVE_REDIS_REDIS_LINK_H
#define POSTVALVE_REDIS_REDIS_LINK_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_record.h"
#include "common/error.h"
#include "common/redis_command.h"
#include "redis/redis_reply.h"
#include "redis/redis_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_link;

/* Does not connect yet. server must outlive it. */
struct redis_link *redis_link_create(struct redis_server *server);
void redis_link_free(struct redis_link *link);
/* until_ms of a request that begins now: the deadline of the settings. */
int64_t redis_link_deadline(const struct redis_link *link);

/* False: no answer; state_r is HISTORY_MISSING. */
bool redis_link_read_client(struct redis_link *link, const struct client_key *key,
                            int64_t until_ms, enum history_state *state_r,
                            struct client_record *record_r);
/* Calls back for each field; false, with the error set: no answer. No key is no field. */
bool redis_link_read_hash(struct redis_link *link, struct slice key, int64_t until_ms,
                          void (*callback)(void *context, const struct redis_field *field),
                          void *context, struct error *error);
/* Any command, use: for its breaker. NULL, with the error set: no answer, or an error reply.
 * The reply is good until the link is used again. */
const struct redis_reply *redis_link_command(struct redis_link *link, enum redis_use use,
                                             const struct slice *arguments, size_t count,
                                             int64_t until_ms, struct error *error);
/* Adds the outcome of a session to the client's record. */
bool redis_link_update_client(struct redis_link *link, const struct client_key *key,
                              const struct session_outcome *outcome, int64_t expire_s,
                              int64_t until_ms, struct error *error);

/* Several commands in one round trip: callback() gets each reply in order, error replies that
 * concern one command only included; trouble with Redis ends it. Returns how many were answered
 * and sets the error when it is fewer than count. is_sent_r: the others may have been carried
 * out all the same; it may be NULL. */
struct redis_pipeline {
    enum redis_use use;
    struct slice commands; /* in wire form */
    size_t count;
    void (*callback)(void *context, size_t index, const struct redis_reply *reply);
    void *context;
};
size_t redis_link_pipeline(struct redis_link *link, const struct redis_pipeline *pipeline,
                           int64_t until_ms, bool *is_sent_r, struct error *error);
/* SHA-1 of client_record_script in hex, as Redis told at login; empty before. */
struct slice redis_link_script_digest(const struct redis_link *link);

#endif
