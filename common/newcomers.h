/*
 * newcomers - what becomes of clients that nobody knows, at this moment and on this host.
 *
 * A newcomer is a client below class returning that was let in. How newcomers use their slots
 * is counted in slot-time: what ended with mail accepted, and what ended with nothing but bad
 * evidence (silence, a slot taken back, recipients that do not exist). When the bad part of the
 * last minute is large, newcomers are on trial: under stress only a few slots are for them, and
 * the others are asked to come back. Mail servers do, and are class returning then; a bot with
 * a new address each time never is. A burst of honest strangers puts nobody on trial.
 *
 * Pure: time is an input, monotonic milliseconds that do not fall. One owner, no lock.
 */
#ifndef POSTVALVE_COMMON_NEWCOMERS_H
#define POSTVALVE_COMMON_NEWCOMERS_H

#include "common/client_record.h"
#include "common/level.h"

#include <stdbool.h>
#include <stdint.h>

struct newcomers_settings {
    double bad_share;   /* of the slot-time of newcomers: from there on they are on trial; 0 or
                           more than 1: never */
    double slots_share; /* of all slots: what newcomers on trial may have, at least one slot */
};

#define NEWCOMERS_BUCKETS   6
#define NEWCOMERS_BUCKET_MS 10000
/* Within that time, at least: so many bad sessions, and so much of their time for each slot
 * that there is. Of two or three nothing follows, and scanners that drop at once take no slots.
 */
#define NEWCOMERS_BAD_MIN     5
#define NEWCOMERS_BAD_SLOT_MS 1200

struct newcomers {
    struct newcomers_bucket {
        int64_t number; /* of the bucket, in time */
        int64_t good_ms, bad_ms;
        uint32_t bad_sessions;
    } buckets[NEWCOMERS_BUCKETS];
    bool is_on_trial;
    int64_t second; /* that good_sessions[0] is of; [1]: the one before */
    int good_sessions[2];
};

/* Start value: all zero. The session of a newcomer ended, after held_ms. */
void newcomers_note_end(struct newcomers *newcomers, const struct session_outcome *outcome,
                        int64_t held_ms, int64_t now_ms);
/* Sets is_on_trial: from bad_share on, and not any more below half of it. In calm, when slots
 * are free, nothing counts: scanners come at night, and the honest burst of the morning is not
 * to pay for it. Returns the bad part of the slot-time, 0 where there was none. */
double newcomers_judge(struct newcomers *newcomers, const struct newcomers_settings *settings,
                       enum level level, int slot_limit, int64_t now_ms);
/* How many sessions of newcomers end with mail each second: of the last full one, or of the one
 * that has begun where that has more. */
int newcomers_delivering(const struct newcomers *newcomers, int64_t now_ms);
/* Slots that newcomers may have beyond their ceiling while they deliver so much. A burst of
 * honest mail frees slots as fast as it takes them: holding them back would waste them. Below a
 * tenth of the slots a second that is no burst, and none. */
int newcomers_extra_slots(int delivering, int slot_limit);
/* How many slots newcomers on trial may have. */
int newcomers_slots(const struct newcomers_settings *settings, int slot_limit);

#endif
