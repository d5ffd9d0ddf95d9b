/*
 * gather - the facts for one policy request, and the verdict that decide() makes of them.
 *
 * What is in memory is used at once: then a request costs no allocation and no copy. Otherwise
 * Redis is asked, with its own deadline, and the verdict comes later; the request's bytes are
 * not needed any more by then. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_GATHER_H
#define POSTVALVE_POLICYD_GATHER_H

#include "common/decide.h"
#include "common/policy_request.h"
#include "policyd/session_memory.h"

#include <stdbool.h>
#include <stddef.h>

struct config;
struct decision_log;
struct gather_rbl;
struct gather_verify;
struct host_record;
struct store;
struct stress_monitor;

struct gather;
struct gather_pending; /* a request that waits for an answer */

/* Where the facts come from; all must outlive the gather. */
struct gather_sources {
    struct store *store;
    struct stress_monitor *monitor;
    struct host_record *host_record;
    struct decision_log *decision_log;
    struct gather_rbl *rbl;
    struct gather_verify *verify;
    /* Of a spawned process: the host record is asked for with a request, not on a timer. */
    bool is_host_record_asked;
};

struct gather *gather_create(const struct gather_sources *sources, const struct config *config);
void gather_free(struct gather *gather);
/* Requests that wait are decided by the new one. The old one may be freed. */
void gather_reload(struct gather *gather, const struct config *config);

/* The verdict's text lives until the callback returns. */
typedef void gather_callback(void *context, const struct verdict *verdict);

enum gather_result { GATHER_READY, GATHER_PENDING };

/* READY: verdict_r is set, and its text lives until the next verdict. PENDING:
 * *pending_r is set, and callback(context, ...) will be called exactly once, from the loop,
 * unless gather_cancel() comes first. memory is that of the request's connection and has to
 * live as long as the request. now_ms: monotonic. */
enum gather_result gather_verdict(struct gather *gather, const struct policy_request *request,
                                  struct session_memory *memory, int64_t now_ms,
                                  gather_callback *callback, void *context,
                                  struct verdict *verdict_r, struct gather_pending **pending_r);
void gather_cancel(struct gather_pending *pending);
/* The last session that was asked about is over. */
void gather_end_session(struct gather *gather, struct session_memory *memory);

/* Too many were hung up on by history alone. */
bool gather_is_history_capped(const struct gather *gather, int64_t now_ms);

/* The level of this moment, of the first service. */
enum level gather_level(struct gather *gather, int64_t now_ms);

#endif
