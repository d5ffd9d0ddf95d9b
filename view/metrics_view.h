/*
 * metrics_view - the counters of a host as Redis has them (doc/redis.md).
 */
#ifndef POSTVALVE_VIEW_METRICS_VIEW_H
#define POSTVALVE_VIEW_METRICS_VIEW_H

#include "common/counter_snapshot.h"
#include "common/error.h"
#include "view/redis_session.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_VIEW_MINUTES_MAX 2880

/* Adds what PREFIXtotal has and the gauges, but nothing of one kind of process (skipped;
 * COUNTER_PROCESS_COUNT: all is taken). False: no answer. */
bool metrics_view_read(struct redis_session *session, const char *host,
                       enum counter_process skipped, struct counter_snapshot *snapshot,
                       struct error *error);
/* Adds what was counted in the present minute and those before it, so many. */
bool metrics_view_read_minutes(struct redis_session *session, const char *host, int64_t minutes,
                               struct counter_snapshot *snapshot, struct error *error);

#endif
