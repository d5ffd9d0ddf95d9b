/*
 * api - the endpoints of /api/ and /metrics: a row of api_table and a function each
 * (doc/api.md).
 */
#ifndef POSTVALVE_POLICYD_API_H
#define POSTVALVE_POLICYD_API_H

#include "common/config.h"
#include "common/error.h"
#include "common/slice.h"
#include "host/hostname.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdint.h>

struct stress_monitor;

struct api {
    const struct config *config;
    struct stress_monitor *monitor;
    char host[HOSTNAME_SIZE];      /* this one */
    struct redis_session *session; /* NULL: none is configured */
};

struct api_question {
    struct api *api;
    char host[HOSTNAME_SIZE]; /* the one that is asked about */
    struct slice query;
};

/* A new reference; NULL: it failed, status_r (503 unless set) and the error say how. */
typedef json_t *api_function(const struct api_question *question, int *status_r,
                             struct error *error);

struct api_row {
    const char *path;
    const char *help;
    int64_t keep_ms; /* how long an answer is kept */
    int cost;        /* of asking Redis, compared with the others */
    api_function *function;
};

/* Ends with a row without a path. */
extern const struct api_row api_table[];

api_function api_counters, api_events, api_explain, api_history, api_index, api_lists,
    api_status;

/* A parameter that is a number from 1 to maximum; false: it is something else. */
bool api_number(const struct api_question *question, const char *name, int64_t maximum,
                int64_t *number, int *status_r, struct error *error);
/* For functions that ask Redis: false, with the error set, when there is none. */
bool api_needs_redis(const struct api_question *question, struct error *error);

#endif
