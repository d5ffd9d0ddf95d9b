#include "common/reclaim.h"

#include "common/config.h"
#include "t/unit/tap.h"

#define NEVER INT64_MAX /* of the kernel's: nothing was sent yet */
#define MAX   32
/* Calls instead of braces: clang-format would line the members up in columns. */
#define ROW(...)                                                                               \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
#define VALUES ROW

static struct reclaim_settings settings;

/* Times in ms, as in struct reclaim_view. */
static const struct judge_row {
    const char *name;
    struct reclaim_view view;
    enum reclaim_reason reason;
    int64_t silence_ms;
} judge_table[] = {
#define VIEW(class, helo, data, held, without_data, received, sent, again)                     \
    {                                                                                          \
        class, helo, data, held, without_data, received, sent, again, false                    \
    }
#define MISBEHAVING(class)                                                                     \
    {                                                                                          \
        class, true, false, 900, 900, 10, 8, false, true                                       \
    }
    ROW("nothing but a connection",
        VIEW(CLASS_UNKNOWN, false, false, 5000, 5000, 5001, 5000, false),
        RECLAIM_SILENT_BEFORE_HELO, 5000),
    ROW("... not long enough", VIEW(CLASS_UNKNOWN, false, false, 4999, 4999, 5001, 4999, false),
        RECLAIM_NONE, 4999),
    ROW("waiting in the accept queue is not silence",
        VIEW(CLASS_UNKNOWN, false, false, 100, 100, 60000, 50, false), RECLAIM_NONE, 50),
    ROW("... nor is a banner that took its time",
        VIEW(CLASS_RETURNING, false, false, 9000, 9000, 60000, 4000, false), RECLAIM_NONE,
        4000),
    ROW("... or was not sent yet",
        VIEW(CLASS_RETURNING, false, false, 9000, 9000, 8000, NEVER, false), RECLAIM_NONE, 0),
    ROW("a banner that nobody acknowledges",
        VIEW(CLASS_UNKNOWN, false, false, 6000, 6000, 6001, 200, true),
        RECLAIM_SILENT_BEFORE_HELO, 6000),
    ROW("a command that begins or that we work at",
        VIEW(CLASS_RETURNING, false, false, 29000, 29000, 12000, 29000, false), RECLAIM_NONE,
        0),
    ROW("... until its budget is used up",
        VIEW(CLASS_RETURNING, false, false, 30000, 30000, 12000, 30000, false), RECLAIM_NO_DATA,
        0),
    ROW("silence after HELO",
        VIEW(CLASS_UNKNOWN, true, false, 11000, 11000, 10001, 10000, false), RECLAIM_SILENT,
        10000),
    ROW("... not long enough",
        VIEW(CLASS_RETURNING, true, false, 20000, 20000, 9999, 9999, false), RECLAIM_NONE,
        9999),
    ROW("a slow answer is not the client's silence",
        VIEW(CLASS_RETURNING, true, false, 29000, 29000, 20000, 20010, false), RECLAIM_NONE, 0),
    ROW("STARTTLS: the milter heard nothing, the kernel did",
        VIEW(CLASS_RETURNING, true, false, 20000, 20000, 300, 280, false), RECLAIM_NONE, 280),
    ROW("... and then nothing more",
        VIEW(CLASS_UNKNOWN, true, false, 25000, 25000, 12300, 12280, false), RECLAIM_SILENT,
        12280),
    ROW("dribbling within its budget",
        VIEW(CLASS_RETURNING, true, false, 29999, 29999, 10, 8, false), RECLAIM_NONE, 8),
    ROW("dribbling", VIEW(CLASS_RETURNING, true, false, 30000, 30000, 10, 8, false),
        RECLAIM_NO_DATA, 8),
    ROW("a message gives a new budget",
        VIEW(CLASS_RETURNING, true, false, 90000, 29999, 10, 8, false), RECLAIM_NONE, 8),
    ROW("... and no more than that",
        VIEW(CLASS_RETURNING, true, false, 90000, 30000, 10, 8, false), RECLAIM_NO_DATA, 8),
    ROW("DATA, slowly", VIEW(CLASS_BOT, true, true, 600000, 600000, 59999, 599000, false),
        RECLAIM_NONE, 59999),
    ROW("DATA, not a byte",
        VIEW(CLASS_UNKNOWN, true, true, 600000, 600000, 60000, 599000, false), RECLAIM_STALLED,
        60000),
    ROW("a bot", VIEW(CLASS_BOT, false, false, 6000, 6000, 6000, 5999, false),
        RECLAIM_SILENT_BEFORE_HELO, 5999),
    ROW("a suspect", VIEW(CLASS_SUSPECT, false, false, 6000, 6000, 6000, 5999, false),
        RECLAIM_SILENT_BEFORE_HELO, 5999),
    ROW("one that came back",
        VIEW(CLASS_RETURNING, false, false, 6000, 6000, 6000, 5999, false),
        RECLAIM_SILENT_BEFORE_HELO, 5999),
    ROW("never a good one",
        VIEW(CLASS_GOOD, false, false, 280000, 280000, 280000, 280000, false), RECLAIM_NONE,
        280000),
    ROW("... not even in DATA",
        VIEW(CLASS_GOOD, true, true, 280000, 280000, 270000, 280000, false), RECLAIM_NONE,
        270000),
    ROW("a newcomer has half the time",
        VIEW(CLASS_UNKNOWN, true, false, 15000, 15000, 10, 8, false), RECLAIM_NO_DATA, 8),
    ROW("... and uses it", VIEW(CLASS_SUSPECT, true, false, 14999, 14999, 10, 8, false),
        RECLAIM_NONE, 8),
    ROW("a session that was to end", MISBEHAVING(CLASS_UNKNOWN), RECLAIM_MISBEHAVING, 8),
    ROW("... but for the good name of its client", MISBEHAVING(CLASS_GOOD), RECLAIM_NONE, 8),
    ROW("never a trusted or authenticated one",
        VIEW(CLASS_TRUSTED, true, false, 280000, 280000, 280000, 280000, false), RECLAIM_NONE,
        280000),
#undef VIEW
#undef MISBEHAVING
};

static void test_judge(void)
{
    for (size_t i = 0; i < sizeof(judge_table) / sizeof(judge_table[0]); i++) {
        const struct judge_row *row = &judge_table[i];
        enum reclaim_reason reason = reclaim_judge(&row->view, &settings);
        int64_t silence_ms = reclaim_silence_ms(&row->view);
        ok(reason == row->reason && silence_ms == row->silence_ms, "%s: %s, silent %lld ms",
           row->name, reclaim_reason_name(reason), (long long)silence_ms);
    }
}

static const struct wanted_row {
    const char *name;
    struct reclaim_load load;
    int wanted;
} wanted_table[] = {
#define LOAD(level, busy, slots, waiting, turned_away, ceiling)                                \
    {                                                                                          \
        level, false, busy, slots, waiting, turned_away, ceiling                               \
    }
    ROW("calm", LOAD(LEVEL_CALM, 10, 10, 0, 50, 0.8), 0),
    ROW("elevated", LOAD(LEVEL_ELEVATED, 8, 10, 3, 50, 0.8), 0),
    ROW("... above the ceiling while others wait", LOAD(LEVEL_ELEVATED, 9, 10, 1, 0, 0.8), 3),
    ROW("... nobody waits", LOAD(LEVEL_ELEVATED, 9, 10, 0, 0, 0.8), 0),
    ROW("... an administrator says how it is", VALUES(LEVEL_ELEVATED, true, 9, 10, 1, 0, 0.8),
        0),
    ROW("stressed, up to the ceiling", LOAD(LEVEL_STRESSED, 8, 10, 0, 0, 0.8), 1),
    ROW("... below it", LOAD(LEVEL_STRESSED, 7, 10, 0, 0, 0.8), 0),
    ROW("... below it, somebody waits", LOAD(LEVEL_STRESSED, 7, 10, 2, 0, 0.8), 2),
    ROW("... somebody was turned away", LOAD(LEVEL_STRESSED, 7, 10, 0, 4, 0.8), 4),
    ROW("... and there is room for them", LOAD(LEVEL_STRESSED, 3, 10, 0, 4, 0.8), 0),
    ROW("all slots", LOAD(LEVEL_CRITICAL, 10, 10, 0, 0, 0.8), 3),
    ROW("a flood: no more than there are", LOAD(LEVEL_CRITICAL, 10, 10, 90, 1000, 0.8), 10),
    ROW("a ceiling between two slots", LOAD(LEVEL_CRITICAL, 7, 7, 0, 0, 0.8), 3),
    ROW("a ceiling that a fraction misses", LOAD(LEVEL_CRITICAL, 10, 10, 0, 0, 0.7), 4),
    ROW("one slot", LOAD(LEVEL_CRITICAL, 1, 1, 0, 0, 0.8), 1),
    ROW("a ceiling of all", LOAD(LEVEL_CRITICAL, 10, 10, 0, 0, 1), 1),
    ROW("a ceiling above all", LOAD(LEVEL_CRITICAL, 10, 10, 0, 0, 9), 1),
    ROW("a ceiling of none", LOAD(LEVEL_CRITICAL, 4, 10, 0, 0, 0), 4),
    ROW("no slots known", LOAD(LEVEL_CRITICAL, 4, 0, 9, 9, 0.8), 0),
    ROW("nobody there", LOAD(LEVEL_CRITICAL, 0, 10, 99, 99, 0.8), 0),
#undef LOAD
};

static void test_wanted(void)
{
    for (size_t i = 0; i < sizeof(wanted_table) / sizeof(wanted_table[0]); i++)
        is_number(reclaim_wanted(&wanted_table[i].load), wanted_table[i].wanted,
                  wanted_table[i].name);
}

/* Sessions before HELO by how long they are silent, in seconds; a letter in front: g good, t
 * trusted, r returning, s suspect, m misbehaving, d dribbling for so long; "7/9": silent for 7,
 * holds its slot for 9. The choice as indices in order. */
static const struct choose_row {
    const char *name, *sessions;
    size_t wanted;
    const char *chosen;
} choose_table[] = {

    ROW("nobody there", "", 5, ""),
    ROW("none is wanted", "9 8 7", 0, ""),
    ROW("none deserves it", "1 4 3", 5, ""),
    ROW("the longest silent first", "6 9 7 8", 4, "1 3 2 0"),
    ROW("... only as many as needed", "6 9 7 8", 2, "1 3"),
    ROW("... only those who deserve it", "6 9 1 4", 4, "1 0"),
    ROW("ties: who holds a slot for longer", "7/8 7/20 7/9", 2, "1 2"),
    ROW("ties: who was there first", "7 7 7", 2, "0 1"),
    ROW("never good or trusted", "g90 7 t90 6", 4, "1 3"),
    ROW("those who dribble come last", "d90 6 d40 5", 4, "1 3 0 2"),
    ROW("suspects though none is wanted", "6 s7 9 s1", 0, "1"),
    ROW("... and they count", "6 s7 9 s8 r7", 3, "2 3 1"),
    ROW("who misbehaves, too", "6 m1 r9", 0, "1"),
};

/* On trial unknown clients are not spared either. */
static const struct choose_row trial_table[] = {
    ROW("newcomers on trial", "6 s7 9 1", 0, "2 1 0"),
    ROW("... but not returning", "6 r9 g90", 0, "0"),
    ROW("... unless it is needed", "6 r9 r8", 2, "1 0"),
};

static size_t read_views(const char *text, struct reclaim_view *views)
{
    size_t count = 0;
    while (*text) {
        struct reclaim_view view = {.class = CLASS_UNKNOWN};
        bool is_dribbling = *text == 'd';
        view.is_misbehaving = *text == 'm';
        view.class = *text == 'g'   ? CLASS_GOOD
                     : *text == 't' ? CLASS_TRUSTED
                     : *text == 'r' ? CLASS_RETURNING
                     : *text == 's' ? CLASS_SUSPECT
                                    : CLASS_UNKNOWN;
        text += strspn(text, "gtdrsm");
        int silent_s = 0, held_s = 0, length = 0;
        sscanf(text, "%d%n", &silent_s, &length);
        text += length;
        held_s = silent_s;
        if (*text == '/') {
            sscanf(text, "/%d%n", &held_s, &length);
            text += length;
        }
        text += strspn(text, " ");
        view.held_ms = view.without_data_ms = held_s * 1000;
        view.received_ms_ago = view.sent_ms_ago = is_dribbling ? 100 : silent_s * 1000;
        views[count++] = view;
    }
    return count;
}

static void test_choose(const struct choose_row *rows, size_t row_count,
                        bool are_newcomers_on_trial)
{
    enum client_class spared = reclaim_spared(LEVEL_STRESSED, are_newcomers_on_trial);
    for (size_t i = 0; i < row_count; i++) {
        const struct choose_row *row = &rows[i];
        struct reclaim_view views[MAX];
        struct reclaim_choice choices[MAX];
        char chosen[MAX * 4] = "";
        size_t length = 0;
        size_t count = read_views(row->sessions, views);
        size_t found = reclaim_choose(views, count, &settings, spared, row->wanted, choices);
        for (size_t k = 0; k < found; k++)
            length += (size_t)snprintf(chosen + length, sizeof(chosen) - length, "%s%zu",
                                       k ? " " : "", choices[k].index);
        is_string(chosen, row->chosen, row->name);
    }
}

int main(void)
{
    struct config *config = config_default();
    settings = config->reclaim;
    ok(settings.is_enabled, "on by default");
    test_judge();
    test_wanted();
    test_choose(choose_table, sizeof(choose_table) / sizeof(choose_table[0]), false);
    test_choose(trial_table, sizeof(trial_table) / sizeof(trial_table[0]), true);
    ok(reclaim_spared(LEVEL_ELEVATED, true) == CLASS_BOT, "without stress everybody is spared");
    config_free(config);
    return done_testing();
}
