/*
 * top - a host at this moment: what its daemons published, and who holds its slots.
 *
 * Gathered from Redis (top.c), laid out as lines of text without any I/O (top_frame.c), shown
 * once a second by a terminal that gets only the lines that changed (top_screen.c).
 */
#ifndef POSTVALVE_CTL_TOP_H
#define POSTVALVE_CTL_TOP_H

#include "common/client_class.h"
#include "common/error.h"
#include "ctl/host_view.h"
#include "ctl/redis_session.h"

#include <stdbool.h>
#include <stddef.h>

#define TOP_HOLDERS_MAX 20
#define TOP_TEXT_SIZE   48
#define TOP_COLUMNS     80
#define TOP_ROWS        40
#define TOP_HISTORY     64 /* pressures that are remembered, one a second */

/* Someone who holds a slot. Texts are safe to show. */
struct top_holder {
    char client[TOP_TEXT_SIZE], class[TOP_TEXT_SIZE], state[TOP_TEXT_SIZE];
    double held_s, silent_s;
};

/* PREFIXtop:HOST (doc/redis.md), as the milter publishes it. */
struct top_sessions {
    bool is_known;
    int sessions;
    int of_class[CLASS_COUNT];
    size_t holder_count;
    struct top_holder holders[TOP_HOLDERS_MAX];
};

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
/* The JSON with distrust: what makes no sense is left out. */
void top_sessions_parse(struct top_sessions *sessions, struct slice json);

/* host: safe to show. */
void top_frame_build(struct top_frame *frame, const struct top *top, const char *host);
void top_print_json(const struct top *top, const char *host);

/* Until q, Ctrl-C or a signal to end; puts the terminal back as it was. False: standard input
 * and output are no terminal. */
bool top_screen_run(struct top *top, struct redis_session *session, const char *host,
                    struct error *error);

#endif
