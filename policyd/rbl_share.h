/*
 * rbl_share - what this host found out about DNS lists, told to the others through Redis, and
 * what they found (doc/redis.md: rblhealth, rblvalue, events). Each host decides for itself:
 * another host's word that a list is ill only makes us test it soon.
 *
 * A spawned process makes no tests, and sees few answers. It does as the daemon of its host
 * says; where none does, as most others say; and tells what it found itself. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_RBL_SHARE_H
#define POSTVALVE_POLICYD_RBL_SHARE_H

#include "common/rbl_health.h"
#include "common/rbl_plan.h"
#include "common/rbl_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rbl_share;
struct store;

/* health: by list; it, the plan, value and the store must outlive it. */
struct rbl_share *rbl_share_create(const struct rbl_plan *plan, struct rbl_health *health,
                                   const struct rbl_value *value, struct store *store,
                                   const char *host, bool is_spawned);
/* NULL is fine. */
void rbl_share_free(struct rbl_share *share);
/* To be called a few times a second, by a spawned process with each lookup. */
void rbl_share_tick(struct rbl_share *share, int64_t now_ms);
/* To the event stream, and the list's state with the next tick. */
void rbl_share_event(struct rbl_share *share, size_t list, const char *text);

#endif
