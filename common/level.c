#include "common/level.h"

static const char *const level_names[LEVEL_COUNT] = {
    [LEVEL_CALM] = "calm",
    [LEVEL_ELEVATED] = "elevated",
    [LEVEL_STRESSED] = "stressed",
    [LEVEL_CRITICAL] = "critical",
};

const char *level_name(enum level level)
{
    return level_names[level];
}

bool level_by_name(struct slice name, enum level *level_r)
{
    for (enum level level = LEVEL_CALM; level < LEVEL_COUNT; level++) {
        if (slice_equals(name, slice_from_string(level_names[level]))) {
            *level_r = level;
            return true;
        }
    }
    return false;
}

enum level level_of_pressure(const struct level_settings *settings, double pressure,
                             bool is_postfix_stressed)
{
    enum level level = LEVEL_CALM;
    for (enum level candidate = LEVEL_ELEVATED; candidate < LEVEL_COUNT; candidate++)
        if (pressure >= settings->threshold[candidate])
            level = candidate;
    if (is_postfix_stressed && level < LEVEL_STRESSED)
        level = LEVEL_STRESSED;
    return level;
}

bool level_tracker_update(struct level_tracker *tracker, const struct level_settings *settings,
                          double pressure, bool is_postfix_stressed, int64_t now_ms)
{
    enum level called = level_of_pressure(settings, pressure, is_postfix_stressed);
    enum level next = LEVEL_CALM;

    for (enum level level = LEVEL_ELEVATED; level < LEVEL_COUNT; level++) {
        if (level > called) {
            /* A dip that is shorter than this is no break: or whoever reads more often would
             * see fewer levels rise. */
            if (now_ms - tracker->last_called_ms[level] >= settings->sustain_ms / 2)
                tracker->called_since_ms[level] = 0;
        } else {
            if (tracker->called_since_ms[level] == 0)
                tracker->called_since_ms[level] = now_ms;
            tracker->last_called_ms[level] = now_ms;
        }
        bool rises =
            level <= called && now_ms - tracker->called_since_ms[level] >= settings->sustain_ms;
        bool holds = level <= tracker->level &&
                     now_ms - tracker->last_called_ms[level] < settings->hold_ms;
        if (rises || holds)
            next = level;
    }
    if (next == tracker->level)
        return false;
    tracker->level = next;
    tracker->since_ms = now_ms;
    return true;
}
