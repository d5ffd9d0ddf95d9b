/*
 * event_view - what has happened: the stream PREFIXevents (doc/redis.md).
 */
#ifndef POSTVALVE_VIEW_EVENT_VIEW_H
#define POSTVALVE_VIEW_EVENT_VIEW_H

#include "common/error.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdint.h>

#define EVENT_VIEW_MAX 500

/* The latest so many, the latest first: an array of objects with "id", "time" (Unix seconds)
 * and the fields of the entry as texts, escaped. A new reference; NULL: no answer. */
json_t *event_view_json(struct redis_session *session, int64_t count, struct error *error);
/* Those since then, the oldest first; as many as the stream keeps (EVENTS_MAX). */
json_t *event_view_json_since(struct redis_session *session, int64_t since_s,
                              struct error *error);

#endif
