#include "common/stress.h"

#include <string.h>

#define RATE_WINDOW_MS 1000
/* Slots were full so shortly before Postfix said so: that is what it was about. */
#define FULL_BEFORE_FLAG_MS 5000

const struct stress_input stress_input_unknown = {
    .slot_limit = SENSOR_UNKNOWN,
    .busy = SENSOR_UNKNOWN,
    .waiting = SENSOR_UNKNOWN,
    .backlog_limit = SENSOR_UNKNOWN,
    .longest_wait_ms = SENSOR_UNKNOWN,
    .overflows = SENSOR_UNKNOWN,
    .drops = SENSOR_UNKNOWN,
};

/* Rates */

static void rate_begin(struct stress_rate *rate, int64_t total, int64_t now_ms)
{
    rate->has_start = true;
    rate->start = total;
    rate->start_ms = now_ms;
}

/* Per second, over the last full second; what is more in the second that has begun counts at
 * once. */
static double rate_update(struct stress_rate *rate, int64_t total, int64_t now_ms)
{
    if (total < 0) {
        *rate = (struct stress_rate){.has_start = false};
        return SENSOR_UNKNOWN;
    }
    if (!rate->has_start || total < rate->start || now_ms < rate->start_ms) {
        rate_begin(rate, total, now_ms);
        return rate->is_known ? rate->per_s : 0;
    }
    double added = (double)(total - rate->start);
    int64_t elapsed_ms = now_ms - rate->start_ms;
    if (elapsed_ms >= RATE_WINDOW_MS) {
        rate->per_s = added * 1000 / (double)elapsed_ms;
        rate->is_known = true;
        rate_begin(rate, total, now_ms);
        return rate->per_s;
    }
    double begun = added * 1000 / RATE_WINDOW_MS;
    return rate->is_known && rate->per_s > begun ? rate->per_s : begun;
}

/* Postfix's flag */

void stress_note_flag_up(struct stress *stress, int64_t now_ms)
{
    struct stress_flag *flag = &stress->flag;
    if (flag->seen_ms == 0 || now_ms - flag->seen_ms >= STRESS_FLAG_NEWS_MS) {
        flag->news_ms = now_ms;
        flag->has_been_full =
            flag->seen_full_at_ms != 0 && now_ms - flag->seen_full_at_ms < FULL_BEFORE_FLAG_MS;
    }
    flag->is_up = true;
    flag->seen_ms = now_ms;
}

void stress_note_flag_down(struct stress *stress)
{
    stress->flag.is_up = false;
}

bool stress_is_flag_up(const struct stress *stress, int64_t now_ms)
{
    const struct stress_flag *flag = &stress->flag;
    return flag->is_up && now_ms - flag->seen_ms < STRESS_FLAG_MS;
}

static bool is_flag_news(struct stress_flag *flag, const struct stress_input *input,
                         const struct level_settings *level, int64_t now_ms)
{
    if (input->busy < 0 || input->slot_limit <= 0)
        return true;
    double filled = (double)input->busy + (input->waiting > 0 ? input->waiting : 0);
    if (filled >= input->slot_limit) {
        flag->seen_full_at_ms = now_ms;
        flag->has_been_full = true;
    }
    if (filled >= level->threshold[LEVEL_ELEVATED] * input->slot_limit)
        return true;
    return !flag->has_been_full && now_ms - flag->news_ms < STRESS_FLAG_UNCONFIRMED_MS;
}

/* Sessions */

void stress_note_sessions_ended(struct stress *stress,
                                const int ended[static SESSION_ENDING_COUNT], int64_t now_ms)
{
    struct stress_sessions *sessions = &stress->sessions;
    int64_t second = now_ms / 1000;
    int slot = (int)(second % STRESS_WINDOW_S);
    if (sessions->second[slot] != second) {
        sessions->second[slot] = second;
        memset(sessions->count[slot], 0, sizeof(sessions->count[slot]));
    }
    for (int ending = 0; ending < SESSION_ENDING_COUNT; ending++)
        sessions->count[slot][ending] += ended[ending];
    sessions->has_any = true;
}

void stress_note_session_end(struct stress *stress, enum session_ending ending, int64_t now_ms)
{
    int ended[SESSION_ENDING_COUNT] = {0};
    ended[ending] = 1;
    stress_note_sessions_ended(stress, ended, now_ms);
}

static void sum_sessions(const struct stress_sessions *sessions, int64_t now_ms,
                         struct sensor_values *values)
{
    int64_t second = now_ms / 1000;
    int count[SESSION_ENDING_COUNT] = {0};
    if (!sessions->has_any)
        return;
    for (int slot = 0; slot < STRESS_WINDOW_S; slot++)
        if (second - sessions->second[slot] < STRESS_WINDOW_S)
            for (int ending = 0; ending < SESSION_ENDING_COUNT; ending++)
                count[ending] += sessions->count[slot][ending];
    int lost = count[SESSION_LOST] + count[SESSION_SILENT];
    values->sessions_seen = lost + count[SESSION_SERVED];
    values->service_per_s = (double)values->sessions_seen / STRESS_WINDOW_S;
    if (values->sessions_seen > 0)
        values->lost_share = (double)lost / values->sessions_seen;
}

/* Turned away */

void stress_note_turned_away(struct stress *stress, const struct level_settings *level,
                             int64_t now_ms)
{
    struct stress_turned_away *turned_away = &stress->turned_away;
    if (stress->tracker.level == LEVEL_CALM &&
        stress->pressure.value < level->threshold[LEVEL_ELEVATED])
        return;
    int64_t second = now_ms / 1000;
    int slot = (int)(second % STRESS_TURNED_AWAY_S);
    if (turned_away->second[slot] != second) {
        turned_away->second[slot] = second;
        turned_away->count[slot] = 0;
    }
    turned_away->count[slot]++;
    turned_away->has_any = true;
}

static int sum_turned_away(const struct stress_turned_away *turned_away, int64_t now_ms)
{
    int sum = 0;
    if (!turned_away->has_any)
        return SENSOR_UNKNOWN;
    for (int slot = 0; slot < STRESS_TURNED_AWAY_S; slot++)
        if (now_ms / 1000 - turned_away->second[slot] < STRESS_TURNED_AWAY_S)
            sum += turned_away->count[slot];
    return sum;
}

/* All together */

static void take_values(struct stress *stress, const struct level_settings *level,
                        const struct stress_input *input, int64_t now_ms)
{
    struct sensor_values *values = &stress->values;
    *values = sensor_values_unknown;
    values->slot_limit = input->slot_limit;
    values->busy = input->busy;
    values->waiting = input->waiting;
    values->backlog_limit = input->backlog_limit;
    if (input->waiting == 0)
        values->wait_s = 0;
    else if (input->longest_wait_ms >= 0)
        values->wait_s = (double)input->longest_wait_ms / 1000;
    values->overflow_per_s = rate_update(&stress->overflows, input->overflows, now_ms);
    values->drop_per_s = rate_update(&stress->drops, input->drops, now_ms);
    sum_sessions(&stress->sessions, now_ms, values);
    values->turned_away = sum_turned_away(&stress->turned_away, now_ms);
    bool is_news = is_flag_news(&stress->flag, input, level, now_ms);
    values->postfix_stress = is_news && stress_is_flag_up(stress, now_ms);
}

bool stress_update(struct stress *stress, const struct stress_settings *settings,
                   const struct stress_input *input, int64_t now_ms)
{
    take_values(stress, settings->level, input, now_ms);
    stress->pressure =
        sensor_pressure(&stress->values, settings->level, settings->sensor, stress->called);
    return level_tracker_update(&stress->tracker, settings->level, stress->pressure.value,
                                stress->pressure.is_postfix_stressed, now_ms);
}

int64_t stress_next_change_ms(const struct stress *stress,
                              const struct stress_settings *settings)
{
    const struct level_tracker *tracker = &stress->tracker;
    int64_t next_ms = 0;
    for (enum level level = LEVEL_ELEVATED; level < LEVEL_COUNT; level++) {
        int64_t at_ms = 0;
        if (level > tracker->level && tracker->called_since_ms[level] != 0)
            at_ms = tracker->called_since_ms[level] + settings->level->sustain_ms;
        else if (level == tracker->level && tracker->called_since_ms[level] == 0)
            at_ms = tracker->last_called_ms[level] + settings->level->hold_ms;
        if (at_ms != 0 && (next_ms == 0 || at_ms < next_ms))
            next_ms = at_ms;
    }
    return next_ms;
}
