/*
 * minutes_view - what was counted minute by minute, as Redis has it: the buckets
 * PREFIXstats:HOST:MINUTE (doc/redis.md), field by field.
 */
#ifndef POSTVALVE_VIEW_MINUTES_VIEW_H
#define POSTVALVE_VIEW_MINUTES_VIEW_H

#include "common/error.h"
#include "common/redis_command.h"
#include "view/redis_session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void minutes_view_field(void *context, const struct redis_field *field);

/* Reply to HGETALL: the callback gets each field; what comes after maximum names and values is
 * left out. */
void minutes_view_each(const struct redis_reply *hash, size_t maximum,
                       minutes_view_field *callback, void *context);
/* Of the present minute and those before it, so many. now_s_r: Redis' clock, by which they are
 * counted. False: no answer; some callbacks may have been made. */
bool minutes_view_read(struct redis_session *session, const char *host, int64_t minutes,
                       size_t maximum, minutes_view_field *callback, void *context,
                       int64_t *now_s_r, struct error *error);

#endif
