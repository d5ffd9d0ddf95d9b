#include "common/reclaim.h"

#include <stdlib.h>

static const char *const reason_names[RECLAIM_REASON_COUNT] = {
    [RECLAIM_NONE] = "none",       [RECLAIM_SILENT_BEFORE_HELO] = "silent-before-helo",
    [RECLAIM_SILENT] = "silent",   [RECLAIM_NO_DATA] = "no-data",
    [RECLAIM_STALLED] = "stalled", [RECLAIM_MISBEHAVING] = "misbehaving",
};

const char *reclaim_reason_name(enum reclaim_reason reason)
{
    return reason_names[reason];
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The client has sent something that we have not answered yet: a command that takes us long, or
 * the begin of one. Which of the two it is nobody can tell here, so it is no silence. */
static bool is_our_turn(const struct reclaim_view *view)
{
    return !view->is_unacknowledged && view->received_ms_ago < view->sent_ms_ago;
}

static bool is_spared(const struct reclaim_view *view, enum client_class spared)
{
    return view->class >= spared && !view->is_misbehaving;
}

int64_t reclaim_silence_ms(const struct reclaim_view *view)
{
    /* For the kernel a connection begins when it enters the accept queue. Time spent there is
     * not the client's. */
    int64_t quiet_ms = smaller(view->received_ms_ago, view->held_ms);
    if (view->is_in_data || view->is_unacknowledged)
        return quiet_ms;
    return is_our_turn(view) ? 0 : smaller(view->sent_ms_ago, quiet_ms);
}

enum reclaim_reason reclaim_judge(const struct reclaim_view *view,
                                  const struct reclaim_settings *settings)
{
    int64_t silence_ms = reclaim_silence_ms(view);
    if (view->class >= CLASS_GOOD)
        return RECLAIM_NONE;
    if (view->is_misbehaving)
        return RECLAIM_MISBEHAVING;
    if (view->is_in_data)
        return silence_ms >= settings->stall_ms ? RECLAIM_STALLED : RECLAIM_NONE;
    if (!view->has_said_helo && silence_ms >= settings->silent_before_helo_ms)
        return RECLAIM_SILENT_BEFORE_HELO;
    if (view->has_said_helo && silence_ms >= settings->silent_ms)
        return RECLAIM_SILENT;
    int64_t budget_ms =
        view->class < CLASS_RETURNING ? settings->newcomer_budget_ms : settings->budget_ms;
    return view->without_data_ms >= budget_ms ? RECLAIM_NO_DATA : RECLAIM_NONE;
}

int reclaim_wanted(const struct reclaim_load *load)
{
    bool is_above_ceiling = !load->is_level_forced && load->slot_limit > 0 &&
                            (double)load->busy / load->slot_limit > load->ceiling &&
                            load->waiting > 0;
    if (load->slot_limit <= 0 || (load->level < LEVEL_STRESSED && !is_above_ceiling))
        return 0;
    /* Room for the next: as decide() compares, with the asking session included. */
    int room = load->slot_limit;
    while (room > 0 && (double)room / load->slot_limit > load->ceiling)
        room--;
    int64_t target = room > 0 ? room - 1 : 0;
    int64_t wanted = (int64_t)load->busy + load->waiting + load->turned_away - target;
    if (wanted <= 0)
        return 0;
    return wanted < load->busy ? (int)wanted : load->busy;
}

enum client_class reclaim_spared(enum level level, bool are_newcomers_on_trial)
{
    if (level < LEVEL_STRESSED)
        return CLASS_BOT;
    return are_newcomers_on_trial ? CLASS_RETURNING : CLASS_UNKNOWN;
}

static int compare(const void *left, const void *right)
{
    const struct reclaim_choice *a = left, *b = right;
    if (a->silence_ms != b->silence_ms)
        return a->silence_ms > b->silence_ms ? -1 : 1;
    if (a->held_ms != b->held_ms)
        return a->held_ms > b->held_ms ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

size_t reclaim_choose(const struct reclaim_view *views, size_t count,
                      const struct reclaim_settings *settings, enum client_class spared,
                      size_t wanted, struct reclaim_choice *choices)
{
    size_t found = 0, certain = 0, chosen = 0;
    for (size_t i = 0; i < count; i++) {
        enum reclaim_reason reason = reclaim_judge(&views[i], settings);
        if (reason == RECLAIM_NONE)
            continue;
        certain += !is_spared(&views[i], spared);
        choices[found++] = (struct reclaim_choice){
            .index = i,
            .reason = reason,
            .silence_ms = reclaim_silence_ms(&views[i]),
            .held_ms = views[i].held_ms,
        };
    }
    qsort(choices, found, sizeof(*choices), compare);
    size_t others = wanted > certain ? wanted - certain : 0;
    for (size_t i = 0; i < found; i++) {
        bool is_other = is_spared(&views[choices[i].index], spared);
        if (is_other && others == 0)
            continue;
        others -= is_other;
        choices[chosen++] = choices[i];
    }
    return chosen;
}
