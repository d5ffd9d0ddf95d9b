/*
 * level - pressure with hysteresis: calm, elevated, stressed, critical.
 *
 * A level rises once the pressure has called for it for sustain_ms, without a break of half as
 * long, and falls once nothing has called for it for hold_ms; so a load that oscillates changes
 * it at most once up and once down per hold time. Pure: time is an input.
 */
#ifndef POSTVALVE_COMMON_LEVEL_H
#define POSTVALVE_COMMON_LEVEL_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum level { LEVEL_CALM, LEVEL_ELEVATED, LEVEL_STRESSED, LEVEL_CRITICAL, LEVEL_COUNT };

struct level_settings {
    double threshold[LEVEL_COUNT]; /* pressure from which on a level is called for; calm: 0 */
    int64_t sustain_ms;
    int64_t hold_ms;
};

/* Start value: all zero. */
struct level_tracker {
    enum level level;
    int64_t since_ms;                     /* when the level last changed */
    int64_t called_since_ms[LEVEL_COUNT]; /* called for since, but for short breaks; 0: not
                                             called */
    int64_t last_called_ms[LEVEL_COUNT];
};

/* The level that this pressure calls for, without memory. Postfix's own stress condition calls
 * for at least stressed. */
enum level level_of_pressure(const struct level_settings *settings, double pressure,
                             bool is_postfix_stressed);

/* Feeds one reading; true when the level changed. now_ms: monotonic, > 0. */
bool level_tracker_update(struct level_tracker *tracker, const struct level_settings *settings,
                          double pressure, bool is_postfix_stressed, int64_t now_ms);

const char *level_name(enum level level);
/* False for a name that is none. */
bool level_by_name(struct slice name, enum level *level_r);

#endif
