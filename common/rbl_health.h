/*
 * rbl_health - whether a DNS list can be believed: a state machine for each list, fed with its
 * answers. Pure: time is an input (monotonic milliseconds, > 0); nothing is allocated.
 *
 *   on     asked, and its answers count
 *   off    not asked, for a time that doubles while the trouble lasts
 *   trial  asked, one lookup at a time, and its answers do not count
 *
 * A list goes off when it
 *   - fails: five times in a row, or for half of the last twenty lookups;
 *   - refuses us, or gives answers that no list gives (rbl_answer.h): three times in a row;
 *   - lists everybody: a test point that must not be listed is; or five clients in a row with a
 *     good history are; or so many clients in a row that with its usual share of listed ones it
 *     would happen once in a million times, at least twenty. Since in an attack every client
 *     may be a bot, the latter does not count when a test with a fresh name speaks for the
 * list, which is made at the tenth listed client in a row; without an answer to it within nine
 *     seconds it does;
 *   - lists nobody: the test point that has to be listed is not, twice in a row.
 * It comes back when a test succeeds or, without test points, when a trial does. Whoever asks
 * the list makes the tests; results of lookups that were answered from a cache are not fed in.
 */
#ifndef POSTVALVE_COMMON_RBL_HEALTH_H
#define POSTVALVE_COMMON_RBL_HEALTH_H

#include "common/rbl_answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rbl_health_state { RBL_HEALTH_ON, RBL_HEALTH_OFF, RBL_HEALTH_TRIAL };

enum rbl_health_reason {
    RBL_REASON_NONE,
    RBL_REASON_ERRORS,
    RBL_REASON_REFUSED,
    RBL_REASON_EVERYBODY,
    RBL_REASON_NOBODY,
    RBL_REASON_COUNT
};

struct rbl_health_settings {
    bool has_test;            /* the list has test points */
    bool is_deny;             /* known-good clients are not expected on it */
    int64_t test_interval_ms; /* while all is well */
    int64_t retry_ms;         /* the first time off, but for one that fails */
};

struct rbl_health {
    struct rbl_health_settings settings;
    enum rbl_health_state state;
    enum rbl_health_reason reason; /* of off and trial */
    bool is_said_off;              /* by those who test it: rbl_health_hear() */
    int64_t since_ms;              /* when it last went on or off */
    int64_t retry_ms;              /* how long off lasts at present */
    int64_t retry_at_ms;
    /* the last lookups */
    uint32_t failures;      /* a bit each, the latest is bit 0 */
    unsigned failures_size; /* how many bits mean something */
    int failures_in_row;
    int refusals_in_row;
    int run; /* clients listed in a row */
    int64_t run_since_ms;
    double run_rate; /* share of listed clients when the run began */
    int good_run;    /* clients with a good history that were listed in a row */
    double hit_rate;
    double latency_ms;
    /* tests */
    bool is_testing;
    int64_t test_at_ms, tested_ms;
    int64_t passed_ms; /* a fresh name was not listed; 0: never */
    int tests_not_listed;
    /* trial */
    int64_t trial_at_ms; /* when the next lookup may be made */
    int trial_listed;
    int64_t notice_ms[RBL_SPECIAL_COUNT]; /* last notice; 0: never */
    int64_t kept_notice_ms;
    /* since the start */
    uint64_t lookups, listed, not_listed, refused, errors, timeouts;
};

struct rbl_observation {
    struct rbl_answer answer;
    int64_t latency_ms;
    bool is_known_good; /* the client's history is good, whatever lists say */
};

/* What happened, as one line for the log and the event stream; empty: nothing. */
struct rbl_event {
    char text[320];
};

/* Results of the names of rbl_list: the point that has to be listed, the one that must not,
 * and a fresh name (rbl_plan_control_name()) where there is one. */
struct rbl_test_result {
    struct rbl_answer listed, unlisted, control;
    bool has_control;
};

void rbl_health_init(struct rbl_health *health, const struct rbl_health_settings *settings,
                     int64_t now_ms);

/* Whether a lookup may be made now; the caller then makes it and reports its answer. */
bool rbl_health_allows_lookup(struct rbl_health *health, int64_t now_ms);
/* A list without test points is off, and a lookup would tell whether it is well again. */
bool rbl_health_wants_trial(const struct rbl_health *health, int64_t now_ms);
/* Whether answers count, also cached ones: the list is on. */
bool rbl_health_counts(const struct rbl_health *health);

/* An answer from the network to a lookup for a client, failures included. zone: for events. */
void rbl_health_observe(struct rbl_health *health, const char *zone,
                        const struct rbl_observation *observation, int64_t now_ms,
                        struct rbl_event *event_r);

/* True: the caller makes the test now, and reports the result. */
bool rbl_health_begins_test(struct rbl_health *health, int64_t now_ms);
/* When to call rbl_health_begins_test() next; INT64_MAX: never. Whatever is reported may
 * change it. */
int64_t rbl_health_next_ms(const struct rbl_health *health);
void rbl_health_test(struct rbl_health *health, const char *zone,
                     const struct rbl_test_result *result, int64_t now_ms,
                     struct rbl_event *event_r);
/* Somebody else has found the list to be ill: test soon. */
void rbl_health_suspect(struct rbl_health *health, int64_t now_ms);
/* For who makes no tests: what others say counts as if it were found here, until the next call.
 */
void rbl_health_hear(struct rbl_health *health, bool is_said_off);

const char *rbl_health_state_name(enum rbl_health_state state);
const char *rbl_health_reason_name(enum rbl_health_reason reason);

/* Gets each field of the hash pv:rblhealth:<zone> (doc/redis.md). */
typedef void rbl_health_field(void *context, const char *name, const char *value);
void rbl_health_describe(const struct rbl_health *health, int64_t now_ms,
                         rbl_health_field *field, void *context);

#endif
