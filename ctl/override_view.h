/*
 * override_view - what is forced on a host, as Redis says now, told to people.
 */
#ifndef POSTVALVE_CTL_OVERRIDE_VIEW_H
#define POSTVALVE_CTL_OVERRIDE_VIEW_H

#include "common/error.h"
#include "common/override.h"
#include "ctl/redis_session.h"
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
#define OVERRIDE_VIEW_TEXT_SIZE 1024
/* "level stressed, 9m58s more, until 21 Nov 06:30:12, by root@mx1: text"; "" where the aspect
 * is not forced. */
void override_view_describe(const struct override_view *view, enum override_aspect aspect,
                            char out[static OVERRIDE_VIEW_TEXT_SIZE]);
/* A line for each aspect that is forced, or that there is none. */
void override_view_print(const struct override_view *view);

#endif
