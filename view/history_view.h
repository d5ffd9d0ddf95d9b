/*
 * history_view - the pressure of a host over time: PREFIXhistory:HOST (doc/redis.md).
 */
#ifndef POSTVALVE_VIEW_HISTORY_VIEW_H
#define POSTVALVE_VIEW_HISTORY_VIEW_H

#include "common/error.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdint.h>

/* {"host", "from", "to" (Unix seconds), "interval_s", "columns", "samples": [[...], ...]},
 * oldest first. A new reference; NULL: no answer. */
json_t *history_view_json(struct redis_session *session, const char *host, int64_t minutes,
                          struct error *error);

#endif
