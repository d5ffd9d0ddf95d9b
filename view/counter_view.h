/*
 * counter_view - what was counted over the last minutes: the sum of the buckets
 * PREFIXstats:HOST:MINUTE (doc/redis.md).
 */
#ifndef POSTVALVE_VIEW_COUNTER_VIEW_H
#define POSTVALVE_VIEW_COUNTER_VIEW_H

#include "common/error.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdint.h>

#define COUNTER_VIEW_MINUTES_MAX 60

/* {"host", "from", "to" (Unix seconds), "counters": {FIELD: sum}}: the present minute and those
 * before it. A new reference; NULL: no answer. */
json_t *counter_view_json(struct redis_session *session, const char *host, int64_t minutes,
                          struct error *error);

#endif
