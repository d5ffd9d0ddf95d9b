/*
 * gather_rbl - the part of a policy request that DNS lists answer: asks them, and makes facts
 * for decide() of what they say. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_GATHER_RBL_H
#define POSTVALVE_POLICYD_GATHER_RBL_H

#include "common/decide.h"
#include "common/policy_request.h"
#include "common/rbl_reply.h"
#include "policyd/session_memory.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct gather_rbl;
struct rbl_engine;
struct rbl_finding;
struct rbl_inquiry; /* a request's part */
struct store;

/* All must outlive it. config: or until the next reload. */
struct gather_rbl *gather_rbl_create(struct rbl_engine *engine, struct store *store,
                                     const struct config *config);
/* NULL is fine. */
void gather_rbl_free(struct gather_rbl *gather);
void gather_rbl_reload(struct gather_rbl *gather, const struct config *config);

/* NULL: no lists are to be asked. Else to be freed. level: says how long it may take. callback
 * comes from the loop, with the context of rbl_inquiry_wait(), if it waits. */
typedef void rbl_inquiry_callback(void *context);
struct rbl_inquiry *rbl_inquiry_start(struct gather_rbl *gather,
                                      const struct policy_request *request, enum level level,
                                      int64_t now_ms, rbl_inquiry_callback *callback);
bool rbl_inquiry_is_waiting(const struct rbl_inquiry *inquiry);
/* The request's bytes are not needed any more after this. */
void rbl_inquiry_wait(struct rbl_inquiry *inquiry, void *context);
/* The client's history is good. */
void rbl_inquiry_set_known_good(struct rbl_inquiry *inquiry);

/* Sets the facts, with the reply of the level that decide_level() says, so the level has to be
 * among them. Texts live until the next call or until the inquiry is freed. */
void rbl_inquiry_apply(struct rbl_inquiry *inquiry, const struct level_settings *settings,
                       struct facts *facts);
/* Adds what was found to the numbers of the session, which are counted when another one begins
 * or gather_rbl_end_session() is called. */
void rbl_inquiry_count(const struct rbl_inquiry *inquiry, struct session_memory *memory,
                       const struct session_identity *session);
void gather_rbl_end_session(struct gather_rbl *gather, struct session_memory *memory);
/* Cancels what waits. NULL is fine. */
void rbl_inquiry_free(struct rbl_inquiry *inquiry);

/* For the record of the client, so that others know too; nobody waits for it. */
void gather_rbl_record(struct gather_rbl *gather, struct slice address);

#endif
