#include "common/newcomers.h"

#include <stddef.h>

/* The trial ends only well below its share, so that it does not flap. */
#define LEAVE_PART 0.5

enum ending { ENDING_GOOD, ENDING_BAD, ENDING_NEITHER };

/* Whoever got mail through and made a mistake on the way is neither; nor is a client whose mail
 * we did not want just now (greylisting, a full mailbox). */
static enum ending judge(const struct session_outcome *outcome)
{
    bool has_good = false, has_bad = false;
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++) {
        if (outcome->counts[kind] <= 0 || kind == EVIDENCE_HAMMERED)
            continue;
        if (evidence_table[kind].is_good)
            has_good = true;
        else
            has_bad = true;
    }
    if (has_good == has_bad)
        return ENDING_NEITHER;
    return has_good ? ENDING_GOOD : ENDING_BAD;
}

static void count_good_session(struct newcomers *newcomers, int64_t second)
{
    if (second != newcomers->second) {
        bool is_next = second == newcomers->second + 1;
        newcomers->good_sessions[1] = is_next ? newcomers->good_sessions[0] : 0;
        newcomers->good_sessions[0] = 0;
        newcomers->second = second;
    }
    newcomers->good_sessions[0]++;
}

int newcomers_delivering(const struct newcomers *newcomers, int64_t now_ms)
{
    int64_t age_s = now_ms / 1000 - newcomers->second;
    const int *count = newcomers->good_sessions;
    if (age_s == 0)
        return count[0] > count[1] ? count[0] : count[1];
    return age_s == 1 ? count[0] : 0;
}

void newcomers_note_end(struct newcomers *newcomers, const struct session_outcome *outcome,
                        int64_t held_ms, int64_t now_ms)
{
    int64_t number = now_ms / NEWCOMERS_BUCKET_MS;
    struct newcomers_bucket *bucket = &newcomers->buckets[number % NEWCOMERS_BUCKETS];
    enum ending ending = judge(outcome);
    if (bucket->number != number)
        *bucket = (struct newcomers_bucket){.number = number};
    if (ending == ENDING_GOOD) {
        bucket->good_ms += held_ms;
        count_good_session(newcomers, now_ms / 1000);
    }
    if (ending != ENDING_BAD)
        return;
    bucket->bad_ms += held_ms;
    bucket->bad_sessions++;
}

double newcomers_judge(struct newcomers *newcomers, const struct newcomers_settings *settings,
                       enum level level, int slot_limit, int64_t now_ms)
{
    int64_t oldest = now_ms / NEWCOMERS_BUCKET_MS - NEWCOMERS_BUCKETS + 1;
    int64_t good_ms = 0, bad_ms = 0;
    uint32_t bad_sessions = 0;
    if (level == LEVEL_CALM)
        *newcomers = (struct newcomers){.is_on_trial = false};
    for (size_t i = 0; i < NEWCOMERS_BUCKETS; i++) {
        const struct newcomers_bucket *bucket = &newcomers->buckets[i];
        if (bucket->number < oldest)
            continue;
        good_ms += bucket->good_ms;
        bad_ms += bucket->bad_ms;
        bad_sessions += bucket->bad_sessions;
    }
    double share = bad_ms > 0 ? (double)bad_ms / (double)(good_ms + bad_ms) : 0;
    double limit = settings->bad_share * (newcomers->is_on_trial ? LEAVE_PART : 1);
    bool is_enough = newcomers->is_on_trial || (bad_sessions >= NEWCOMERS_BAD_MIN &&
                                                bad_ms >= NEWCOMERS_BAD_SLOT_MS * slot_limit);
    newcomers->is_on_trial =
        settings->bad_share > 0 && is_enough && bad_sessions > 0 && share >= limit;
    return share;
}

int newcomers_extra_slots(int delivering, int slot_limit)
{
    int extra = delivering - slot_limit / 10;
    return extra > 0 ? extra : 0;
}

int newcomers_slots(const struct newcomers_settings *settings, int slot_limit)
{
    int slots = (int)(settings->slots_share * slot_limit);
    return slots > 0 ? slots : 1;
}
