/*
 * override_view - what is forced on a host, as Redis says now.
 */
#ifndef POSTVALVE_VIEW_OVERRIDE_VIEW_H
#define POSTVALVE_VIEW_OVERRIDE_VIEW_H

#include "common/error.h"
#include "common/override.h"
#include "view/redis_session.h"
#include "host/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct override_view {
    char host[HOSTNAME_SIZE]; /* "*": what is forced on all hosts */
    int64_t now_s;            /* Redis' clock */
    struct override own, all; /* own: nothing for "*" */
};

bool override_view_read(struct override_view *view, struct redis_session *session,
                        const char *host, struct error *error);
/* The override that counts for an aspect; NULL: none. until_r: Redis' clock. */
const struct override *override_view_effective(const struct override_view *view,
                                               enum override_aspect aspect, int64_t *until_r);

#endif
