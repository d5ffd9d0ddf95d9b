/*
 * redis_clock - Redis' own time, by which all that is in it is dated.
 */
#ifndef POSTVALVE_VIEW_REDIS_CLOCK_H
#define POSTVALVE_VIEW_REDIS_CLOCK_H

#include "common/error.h"
#include "view/redis_session.h"

#include <stdbool.h>
#include <stdint.h>

/* Unix seconds. */
bool redis_clock_read(struct redis_session *session, int64_t *now_s_r, struct error *error);

#endif
