/*
 * top_sessions - who holds the slots of a host: PREFIXtop:HOST (doc/redis.md), as its milter
 * publishes it.
 */
#ifndef POSTVALVE_VIEW_TOP_SESSIONS_H
#define POSTVALVE_VIEW_TOP_SESSIONS_H

#include "common/client_class.h"
#include "common/error.h"
#include "common/slice.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TOP_HOLDERS_MAX 20
#define TOP_TEXT_SIZE   48

/* Someone who holds a slot. Texts are safe to show. */
struct top_holder {
    char client[TOP_TEXT_SIZE], class[TOP_TEXT_SIZE], state[TOP_TEXT_SIZE];
    double held_s, silent_s;
};

struct top_sessions {
    bool is_known;
    int sessions;
    int of_class[CLASS_COUNT];
    size_t holder_count;
    struct top_holder holders[TOP_HOLDERS_MAX];
};

bool top_sessions_read(struct top_sessions *sessions, struct redis_session *session,
                       const char *host, struct error *error);
/* The JSON with distrust: what makes no sense is left out. */
void top_sessions_parse(struct top_sessions *sessions, struct slice json);
/* A new reference, documented in postvalvectl(1); null where they are not known. */
json_t *top_sessions_json(const struct top_sessions *sessions);

#endif
