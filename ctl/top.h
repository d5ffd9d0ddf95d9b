/*
 * top - a host at this moment: what its daemons published, and who holds its slots.
 *
 * Gathered from Redis (top.c), laid out as lines of text without any I/O (top_frame.c), shown
 * once a second by a terminal that gets only the lines that changed (top_screen.c).
 */
#ifndef POSTVALVE_CTL_TOP_H
#define POSTVALVE_CTL_TOP_H

#include "common/error.h"
#include "view/host_view.h"
#include "view/redis_session.h"
#include "view/top_sessions.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TOP_COLUMNS 80
#define TOP_ROWS    40
#define TOP_HISTORY 64 /* pressures that are remembered, one a second */

struct top {
    struct host_view view;
    struct top_sessions sessions;
    struct error error; /* empty: Redis answered */
    size_t history_count;
    double history[TOP_HISTORY]; /* of the pressure, latest last; negative: not known */
};

struct top_frame {
    size_t count;
    char lines[TOP_ROWS][TOP_COLUMNS + 1];
};

/* Asks Redis; what is remembered of the pressure grows by one. False: no answer. */
bool top_read(struct top *top, struct redis_session *session, const char *host);

/* host: safe to show. */
void top_frame_build(struct top_frame *frame, const struct top *top, const char *host);
/* A new reference, documented in postvalvectl(1). */
json_t *top_json(const struct top *top, const char *host);

/* Until q, Ctrl-C or a signal to end; puts the terminal back as it was. False: standard input
 * and output are no terminal. */
bool top_screen_run(struct top *top, struct redis_session *session, const char *host,
                    struct error *error);

#endif
