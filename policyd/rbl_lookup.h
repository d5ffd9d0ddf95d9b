/*
 * rbl_lookup - what the DNS lists say about a client: all queries of the plan at once, answered
 * from memory, from Redis or from the network, within the deadline of the level.
 *
 * With every answer in memory nothing is allocated. A lookup is over as soon as no missing
 * answer can change the outcome and the check that decides; the text of the list is asked for
 * only where the reply needs it. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_RBL_LOOKUP_H
#define POSTVALVE_POLICYD_RBL_LOOKUP_H

#include "common/config.h"
#include "common/rbl_evaluate.h"
#include "common/rbl_session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RBL_LOOKUPS_AHEAD_MAX 1024 /* at a time, for clients that nobody asked about yet */

struct event_base;
struct rbl_engine;
struct rbl_lists;
struct rbl_lookup;
struct store;

struct rbl_finding {
    struct rbl_evaluation evaluation;
    struct rbl_involved involved;
    uint32_t missing;     /* lists that did not answer in time, by bit */
    bool is_new;          /* an answer came from the network */
    size_t reason_length; /* of the list's text; 0: none, or not needed */
    char reason[RBL_TEXT_MAX];
};

/* settings and store must outlive it, or the next rbl_engine_reload(). Nothing is opened before
 * the first lookup. */
struct rbl_engine *rbl_engine_create(struct event_base *base, struct store *store,
                                     const struct rbl_settings *settings);
/* Lookups on their way end first, with what is known so far. NULL is fine. */
void rbl_engine_free(struct rbl_engine *engine);
/* Lookups on their way end first, with what is known so far. Before the settings that were in
 * use are freed. */
void rbl_engine_reload(struct rbl_engine *engine, const struct rbl_settings *settings);
/* Tests the lists and shares what is found. host: name of this host. */
bool rbl_engine_start(struct rbl_engine *engine, const char *host);
/* Makes no tests, and hears what others found. */
void rbl_engine_start_spawned(struct rbl_engine *engine, const char *host);
/* No checks: there is nothing to look up. */
bool rbl_engine_is_off(const struct rbl_engine *engine);
const struct rbl_lists *rbl_engine_lists(const struct rbl_engine *engine);
/* For the numbers of what each list is good for: the findings of an SMTP session. */
void rbl_engine_count_session(struct rbl_engine *engine, const struct rbl_involved *involved);

/* The finding lives as long as the call. */
typedef void rbl_lookup_callback(void *context, const struct rbl_finding *finding);

/* NULL: done, finding_r is set. Else callback comes once, from the loop, unless the lookup is
 * cancelled. The session's slices need not outlive the call. now_ms: monotonic. */
struct rbl_lookup *rbl_lookup_start(struct rbl_engine *engine,
                                    const struct rbl_session *session, enum level level,
                                    int64_t now_ms, rbl_lookup_callback *callback,
                                    void *context, struct rbl_finding *finding_r);
void rbl_lookup_cancel(struct rbl_lookup *lookup);
/* The client's history is good: a list that lists many such clients is ill. */
void rbl_lookup_set_known_good(struct rbl_lookup *lookup);

/* A client is there that will be asked about soon. False: too many at a time. */
bool rbl_lookup_ahead(struct rbl_engine *engine, struct slice address, int64_t now_ms);
/* Gets the address and finding of each lookup ahead that is listed. */
typedef void rbl_ahead_callback(void *context, struct slice address,
                                const struct rbl_finding *finding);
void rbl_engine_set_ahead_callback(struct rbl_engine *engine, rbl_ahead_callback *callback,
                                   void *context);

#endif
