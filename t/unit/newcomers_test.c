#include "common/newcomers.h"

#include "common/config.h"
#include "t/unit/tap.h"

#define SECOND 1000LL
#define SLOTS  5

static struct newcomers_settings settings;
static struct newcomers newcomers;
static int64_t now_ms;

static void begin(void)
{
    newcomers = (struct newcomers){.is_on_trial = false};
    now_ms = 1700000 * SECOND;
}

static void sessions(int count, enum evidence evidence, int64_t held_ms)
{
    struct session_outcome outcome = {.is_hung_up = false};
    outcome.counts[evidence] = 1;
    for (int i = 0; i < count; i++)
        newcomers_note_end(&newcomers, &outcome, held_ms, now_ms);
}

static bool is_on_trial(void)
{
    newcomers_judge(&newcomers, &settings, LEVEL_STRESSED, SLOTS, now_ms);
    return newcomers.is_on_trial;
}

static void test_flood(void)
{
    begin();
    ok(!is_on_trial(), "nobody was here");
    sessions(20, EVIDENCE_ACCEPTED, 1500);
    ok(!is_on_trial(), "honest strangers");
    sessions(5, EVIDENCE_RECLAIMED, 5000);
    ok(!is_on_trial(), "some bots, less of the time");
    sessions(2, EVIDENCE_RECLAIMED, 5000);
    double share = newcomers_judge(&newcomers, &settings, LEVEL_STRESSED, SLOTS, now_ms);
    ok(newcomers.is_on_trial, "more than half");
    ok(share > 0.53 && share < 0.55, "the share: %.2f", share);
    for (int i = 0; i < 12; i++) {
        now_ms += 10 * SECOND;
        sessions(1, EVIDENCE_SILENT, 5000);
        sessions(2, EVIDENCE_ACCEPTED, 1500);
        if (!is_on_trial())
            break;
    }
    ok(is_on_trial(), "as long as it goes on, without a break");
    int64_t end_ms = now_ms;
    while (is_on_trial() && now_ms < end_ms + 600 * SECOND) {
        now_ms += SECOND;
        sessions(1, EVIDENCE_ACCEPTED, 1500);
    }
    ok(now_ms - end_ms <= 60 * SECOND && now_ms > end_ms, "over after %d s of honest mail",
       (int)((now_ms - end_ms) / SECOND));
}

static void test_forgetting(void)
{
    begin();
    sessions(10, EVIDENCE_SILENT, 5000);
    ok(is_on_trial(), "on trial");
    now_ms += 45 * SECOND;
    ok(is_on_trial(), "... after 45 s without anybody, too");
    now_ms += 20 * SECOND;
    ok(!is_on_trial(), "... not after a minute");
}

/* What is bad, and what is no more than bad luck. */
static void test_endings(void)
{
    static const struct {
        enum evidence evidence;
        bool is_bad;
    } rows[] = {
        {EVIDENCE_SILENT, true},         {EVIDENCE_RECLAIMED, true},
        {EVIDENCE_DROPPED, true},        {EVIDENCE_UNKNOWN_RECIPIENT, true},
        {EVIDENCE_PROTOCOL_ERROR, true}, {EVIDENCE_HAMMERED, false},
        {EVIDENCE_ACCEPTED, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        sessions(10, rows[i].evidence, 10000);
        ok(is_on_trial() == rows[i].is_bad, "%s", evidence_table[rows[i].evidence].field);
    }
    begin();
    struct session_outcome outcome = {.is_hung_up = false};
    for (int i = 0; i < 10; i++)
        newcomers_note_end(&newcomers, &outcome, 300000, now_ms);
    outcome.counts[EVIDENCE_ACCEPTED] = outcome.counts[EVIDENCE_UNKNOWN_RECIPIENT] = 1;
    for (int i = 0; i < 10; i++)
        newcomers_note_end(&newcomers, &outcome, 300000, now_ms);
    ok(!is_on_trial(), "no mail that we wanted just now; or mail and a mistake");
}

static void test_calm(void)
{
    begin();
    sessions(100, EVIDENCE_SILENT, 5000);
    ok(is_on_trial(), "on trial");
    newcomers_judge(&newcomers, &settings, LEVEL_CALM, SLOTS, now_ms);
    ok(!newcomers.is_on_trial && !is_on_trial(), "what was before a calm does not count");
}

static void test_few(void)
{
    begin();
    sessions(NEWCOMERS_BAD_MIN - 1, EVIDENCE_SILENT, 300000);
    ok(!is_on_trial(), "of a few nothing follows");
    sessions(1, EVIDENCE_SILENT, 0);
    ok(is_on_trial(), "of one more it does");
    struct newcomers_settings off = {.bad_share = 0};
    newcomers_judge(&newcomers, &off, LEVEL_STRESSED, SLOTS, now_ms);
    ok(!newcomers.is_on_trial, "unless it is switched off");
    begin();
    sessions(10, EVIDENCE_DROPPED, 599);
    ok(!is_on_trial(), "who drops at once takes no slots");
    sessions(1, EVIDENCE_DROPPED, 10);
    ok(is_on_trial(), "until it is as much as two per cent of them");
}

static void test_delivering(void)
{
    begin();
    ok(newcomers_delivering(&newcomers, now_ms) == 0, "nobody delivers");
    sessions(8, EVIDENCE_ACCEPTED, 1500);
    sessions(9, EVIDENCE_SILENT, 1500);
    is_number(newcomers_delivering(&newcomers, now_ms), 8, "eight, at once");
    now_ms += SECOND;
    is_number(newcomers_delivering(&newcomers, now_ms), 8, "... and in the second after");
    sessions(3, EVIDENCE_ACCEPTED, 1500);
    is_number(newcomers_delivering(&newcomers, now_ms), 8, "... that has begun");
    now_ms += SECOND;
    is_number(newcomers_delivering(&newcomers, now_ms), 3, "then three");
    now_ms += SECOND;
    is_number(newcomers_delivering(&newcomers, now_ms), 0, "then none");
    is_number(newcomers_extra_slots(8, 40), 4, "extra slots");
    is_number(newcomers_extra_slots(3, 40), 0, "no burst");
    is_number(newcomers_extra_slots(8, 0), 8, "slots not known");
}

static void test_slots(void)
{
    struct newcomers_settings some = {.slots_share = 0.03};
    is_number(newcomers_slots(&some, 100), 3, "3 %% of 100");
    is_number(newcomers_slots(&some, 40), 1, "... of 40: rounded down");
    is_number(newcomers_slots(&some, 1), 1, "... never none");
    is_number(newcomers_slots(&some, 0), 1, "... nor where slots are not known");
}

int main(void)
{
    struct config *config = config_default();
    settings = config->admission.newcomers;
    test_flood();
    test_forgetting();
    test_endings();
    test_calm();
    test_few();
    test_delivering();
    test_slots();
    config_free(config);
    return done_testing();
}
