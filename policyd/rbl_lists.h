/*
 * rbl_lists - the DNS lists of the plan in operation: whether each can be believed
 * (common/rbl_health.h), what each is good for (common/rbl_value.h), and the tests of their
 * test points. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_RBL_LISTS_H
#define POSTVALVE_POLICYD_RBL_LISTS_H

#include "common/config.h"
#include "common/rbl_evaluate.h"
#include "common/rbl_health.h"
#include "common/rbl_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_resolver;
struct event_base;
struct rbl_lists;
struct store;

/* settings and resolver must outlive it. before: its health is taken over for zones that are
 * in both; it is freed. NULL: none. */
struct rbl_lists *rbl_lists_create(const struct rbl_settings *settings,
                                   struct dns_resolver *resolver, struct rbl_lists *before);
/* NULL is fine. */
void rbl_lists_free(struct rbl_lists *lists);
/* Tests from now on, and tells the other hosts through Redis. host: name of this host. */
bool rbl_lists_start(struct rbl_lists *lists, struct event_base *base, struct store *store,
                     const char *host);
/* The same for a spawned process: it makes no tests, others do. */
void rbl_lists_start_spawned(struct rbl_lists *lists, struct store *store, const char *host);
/* Before each lookup: a spawned process hears what others say. */
void rbl_lists_prepare(struct rbl_lists *lists, int64_t now_ms);

/* Whether a lookup may be made; it is then to be made and observed. */
bool rbl_lists_allow_lookup(struct rbl_lists *lists, size_t list, int64_t now_ms);
bool rbl_lists_count(const struct rbl_lists *lists, size_t list);
/* A lookup that nobody waits for would be good to know. */
bool rbl_lists_want_trial(const struct rbl_lists *lists, size_t list, int64_t now_ms);
/* An answer from the network. */
void rbl_lists_observe(struct rbl_lists *lists, size_t list,
                       const struct rbl_observation *observation, int64_t now_ms);
/* What came of an SMTP session. */
void rbl_lists_count_session(struct rbl_lists *lists, const struct rbl_involved *involved);

/* What is counted of them at this moment (host/count.h). */
void rbl_lists_set_gauges(const struct rbl_lists *lists);

const struct rbl_health *rbl_lists_health(const struct rbl_lists *lists, size_t list);
const struct rbl_value *rbl_lists_value(const struct rbl_lists *lists);

#endif
