/*
 * stress - the stress condition of one service: from what was read of the machine, second by
 * second, to sensor values, pressure and level. Pure: time is an input, counters are raw.
 *
 * What needs memory is here: rates of counters, how the sessions of the last seconds ended,
 * and what Postfix's own stress flag still means. Postfix keeps it up for 1000 s after its last
 * process was taken, so it is news only when it goes up; from then on it counts as long as
 * slots are filled or cannot be counted, and, when nobody saw them full, for a moment.
 *
 * A struct stress belongs to its owner, who locks.
 */
#ifndef POSTVALVE_COMMON_STRESS_H
#define POSTVALVE_COMMON_STRESS_H

#include "common/level.h"
#include "common/sensor.h"

#include <stdbool.h>
#include <stdint.h>

/* Postfix said yes: how long that holds when no later look says otherwise. Under stress
 * processes come and go by the second. */
#define STRESS_FLAG_MS 3000
/* Yes after so long without is news: how long master(8) keeps the flag. */
#define STRESS_FLAG_NEWS_MS 1000000
/* How long news counts that the other sensors do not confirm. */
#define STRESS_FLAG_UNCONFIRMED_MS 10000

#define STRESS_WINDOW_S 10 /* of the sessions that count */
/* Clients hung up on count as if they held a slot for so long: less than the silence that costs
 * a slot, so that they call for no more than they would take. */
#define STRESS_TURNED_AWAY_S 3

enum session_ending {
    SESSION_SERVED, /* said HELO, whatever came then */
    SESSION_LOST,   /* gone before HELO */
    SESSION_SILENT, /* held its slot without HELO */
    SESSION_ENDING_COUNT
};

/* One reading of the machine; negative: not known, as for struct sensor_values. */
struct stress_input {
    int slot_limit;
    int busy;
    int waiting;
    int backlog_limit;
    int64_t longest_wait_ms;
    int64_t overflows, drops; /* counters since whenever; one that falls has begun anew */
};
extern const struct stress_input stress_input_unknown;

struct stress_settings {
    const struct level_settings *level;
    const struct sensor_settings *sensor;
};

struct stress_rate {
    bool has_start;
    int64_t start, start_ms;
    double per_s; /* of the last full second */
    bool is_known;
};

struct stress_flag {
    bool is_up;              /* as last seen */
    int64_t seen_ms;         /* 0: never */
    int64_t news_ms;         /* when it went up */
    bool has_been_full;      /* since then, or just before it, slots were seen full */
    int64_t seen_full_at_ms; /* 0: never */
};

struct stress_sessions {
    bool has_any; /* somebody tells us of sessions */
    int64_t second[STRESS_WINDOW_S];
    int count[STRESS_WINDOW_S][SESSION_ENDING_COUNT];
};

struct stress_turned_away {
    bool has_any; /* somebody tells us of them */
    int64_t second[STRESS_TURNED_AWAY_S];
    int count[STRESS_TURNED_AWAY_S];
};

/* Start value: all zero. */
struct stress {
    struct level_tracker tracker;
    struct stress_flag flag;
    struct stress_rate overflows, drops;
    struct stress_sessions sessions;
    struct stress_turned_away turned_away;
    /* of the last update */
    struct sensor_values values;
    struct pressure pressure;
    double called[SENSOR_COUNT];
};

/* Postfix says stress=yes, in a request or on the command line of a process. */
void stress_note_flag_up(struct stress *stress, int64_t now_ms);
/* A look at all processes of the service found none that says so. */
void stress_note_flag_down(struct stress *stress);
/* Postfix's view as it is, news or not. */
bool stress_is_flag_up(const struct stress *stress, int64_t now_ms);

/* Sessions that we hung up on do not count. */
void stress_note_session_end(struct stress *stress, enum session_ending ending, int64_t now_ms);
/* So many at once, of each kind. */
void stress_note_sessions_ended(struct stress *stress,
                                const int ended[static SESSION_ENDING_COUNT], int64_t now_ms);

/* A client was hung up on because of the level. While our own sensors call for none, it was for
 * one that an administrator forced or other hosts called for: that is no pressure here. */
void stress_note_turned_away(struct stress *stress, const struct level_settings *level,
                             int64_t now_ms);

/* Feeds one reading; true when the level (tracker.level) changed. now_ms: monotonic, > 0. */
bool stress_update(struct stress *stress, const struct stress_settings *settings,
                   const struct stress_input *input, int64_t now_ms);
/* When a level that is called for now will have been sustained, or one that is held no longer
 * will fall: the time of the next update that matters; 0: none. */
int64_t stress_next_change_ms(const struct stress *stress,
                              const struct stress_settings *settings);

#endif
