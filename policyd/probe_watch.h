/*
 * probe_watch - what came of the addresses that Postfix was told to verify: asks Redis a few
 * times a second, until the milter has told. A probe that succeeded is given back to the budget
 * (common/probe_budget.h). Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_PROBE_WATCH_H
#define POSTVALVE_POLICYD_PROBE_WATCH_H

#include "common/probe_budget.h"
#include "common/recipient_address.h"
#include "common/recipient_record.h"
#include "common/redis_keys.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct probe_watch;
struct store;

/* An outcome, also that of an address known before. */
typedef void probe_watch_callback(void *context, const struct recipient_hash *hash,
                                  const struct recipient_record *record);

struct probe_watch *probe_watch_create(struct event_base *base, struct store *store,
                                       probe_watch_callback *callback, void *context);
/* NULL is fine. */
void probe_watch_free(struct probe_watch *watch);

/* per_minute: see probe_budget. */
bool probe_watch_has_probe(struct probe_watch *watch, enum probe_bucket bucket,
                           int64_t per_minute, int64_t now_ms);
/* A probe is perhaps sent now. */
void probe_watch_add(struct probe_watch *watch, enum probe_bucket bucket, int64_t per_minute,
                     const struct redis_key *key, const struct recipient_hash *hash,
                     int64_t now_ms);

#endif
