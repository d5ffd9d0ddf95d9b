/* The stress condition second by second, without a machine: the clock is a number. */
#include "common/stress.h"
#include "t/unit/tap.h"

static const struct level_settings levels = {
    .threshold = {0, 0.60, 0.80, 1.00}, .sustain_ms = 200, .hold_ms = 30000};
static const struct sensor_settings sensors = {.wait_target_ms = 1000, .lost_share = 0.5};
static const struct stress_settings settings = {&levels, &sensors};

#define START_MS 5000000
static int64_t now_ms;
static struct stress stress;
static int changes;

static void begin(void)
{
    stress = (struct stress){.tracker = {.level = LEVEL_CALM}};
    now_ms = START_MS;
    changes = 0;
}

static struct stress_input slots(int busy, int waiting)
{
    struct stress_input input = stress_input_unknown;
    input.slot_limit = 20;
    input.busy = busy;
    input.waiting = waiting;
    return input;
}

/* This reading, every 50 ms, for so long. */
static enum level feed(struct stress_input input, int64_t for_ms)
{
    for (int64_t end_ms = now_ms + for_ms; now_ms < end_ms; now_ms += 50)
        changes += stress_update(&stress, &settings, &input, now_ms);
    return stress.tracker.level;
}

/* Silent clients take all slots, Postfix notices late and keeps its flag for 1000 s. */
static void test_flood(void)
{
    begin();
    ok(feed(slots(2, 0), 1000) == LEVEL_CALM, "calm");
    int64_t full_ms = now_ms;
    feed(slots(20, 6), 300);
    ok(stress.tracker.level == LEVEL_CRITICAL && stress.tracker.since_ms - full_ms <= 250,
       "critical %d ms after the last slot was taken",
       (int)(stress.tracker.since_ms - full_ms));
    ok(!stress.pressure.is_postfix_stressed, "before Postfix says so");
    is_string(sensor_name(stress.pressure.driver), "waiting", "driver");
    for (int i = 0; i < 20; i++) {
        stress_note_flag_up(&stress, now_ms);
        feed(slots(20, 6), 500);
    }
    ok(stress.pressure.is_postfix_stressed, "Postfix says so too");
    int64_t end_ms = now_ms;
    for (int i = 0; i < 80 && stress.tracker.level != LEVEL_CALM; i++) {
        stress_note_flag_up(&stress, now_ms);
        feed(slots(1, 0), 500);
    }
    ok(stress.tracker.level == LEVEL_CALM, "calm again");
    ok(stress.tracker.since_ms - end_ms <= levels.hold_ms + 1000,
       "... after %d ms, while Postfix's flag is up", (int)(stress.tracker.since_ms - end_ms));
    ok(stress_is_flag_up(&stress, now_ms), "... as Postfix's view shows");
    ok(changes == 2, "one change up, one down");
}

static void test_flag(void)
{
    begin();
    feed(slots(2, 0), 500);
    stress_note_flag_up(&stress, now_ms);
    ok(feed(slots(2, 0), 300) == LEVEL_STRESSED, "Postfix alone: stressed");
    is_string(sensor_name(stress.pressure.driver), "postfix_stress", "... it is the driver");
    is_number(stress.pressure.slots, 0.1, "... and fills no slots");
    feed(slots(2, 0), 2800);
    ok(!stress.pressure.is_postfix_stressed, "a yes is forgotten after a moment");
    for (int i = 0; i < 20; i++) {
        stress_note_flag_up(&stress, now_ms);
        feed(slots(2, 0), 500);
    }
    ok(!stress.pressure.is_postfix_stressed, "no news after 10 s: slots are free");
    stress_note_flag_up(&stress, now_ms);
    feed(slots(12, 0), 100);
    ok(stress.pressure.is_postfix_stressed, "but where slots are filled it counts");
    stress_note_flag_up(&stress, now_ms);
    struct stress_input blind = slots(SENSOR_UNKNOWN, 0);
    feed(blind, 100);
    ok(stress.pressure.is_postfix_stressed, "and where they cannot be counted");
    stress_note_flag_down(&stress);
    feed(blind, 50);
    ok(!stress.pressure.is_postfix_stressed, "until a look at all processes finds none");
    now_ms += STRESS_FLAG_NEWS_MS;
    stress_note_flag_up(&stress, now_ms);
    feed(slots(2, 0), 50);
    ok(stress.pressure.is_postfix_stressed, "it is news again after 1000 s");
}

/* A burst fills the slots and is over when Postfix's flag is first seen. */
static void test_late_flag(void)
{
    begin();
    feed(slots(20, 3), 100);
    feed(slots(2, 0), 1000);
    stress_note_flag_up(&stress, now_ms);
    feed(slots(2, 0), 500);
    ok(!stress.pressure.is_postfix_stressed, "a flag about slots that we saw full is no news");
    ok(stress.tracker.level == LEVEL_CALM, "calm");
}

/* A flood that is kept out holds the level, and its end is seen within seconds. */
static void test_turned_away(void)
{
    begin();
    stress_note_turned_away(&stress, &levels, now_ms);
    ok(feed(slots(8, 0), 50) == LEVEL_CALM && stress.values.turned_away <= 0,
       "in calm nobody is turned away for want of slots");
    ok(feed(slots(13, 0), 500) == LEVEL_ELEVATED, "a flood begins");
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 5; k++)
            stress_note_turned_away(&stress, &levels, now_ms);
        feed(slots(8, 0), 500);
    }
    ok(stress.tracker.level == LEVEL_CRITICAL, "ten clients a second are turned away");
    is_string(sensor_name(stress.pressure.driver), "turned_away", "... which drives it");
    is_number(stress.pressure.slots, 0.4, "... and fills no slots");
    feed(slots(8, 0), STRESS_TURNED_AWAY_S * 1000);
    is_number(stress.pressure.value, 0.4, "... is over 3 s later");
    ok(feed(slots(8, 0), levels.hold_ms) == LEVEL_CALM, "... and the level falls as others do");
    ok(changes <= 6, "... once up and once down: %d changes", changes);
}

static void test_rates(void)
{
    begin();
    struct stress_input input = slots(2, 0);
    input.backlog_limit = 100;
    input.overflows = 1000000;
    input.drops = 77;
    feed(input, 2000);
    is_number(stress.values.overflow_per_s, 0, "what was before us does not count");
    input.overflows += 10;
    input.drops += 10;
    feed(input, 50);
    is_number(stress.values.drop_per_s, 10, "what is new counts at once");
    ok(feed(input, 300) == LEVEL_CRITICAL, "critical: clients are turned away");
    feed(input, 2500);
    is_number(stress.values.drop_per_s, 0, "no more of it");
    input.drops = 3;
    feed(input, 50);
    is_number(stress.values.drop_per_s, 0, "a counter that begins anew is no news");
    input.drops = SENSOR_UNKNOWN;
    feed(input, 50);
    ok(stress.values.drop_per_s < 0, "not known");
    input.drops = 500;
    feed(input, 50);
    is_number(stress.values.drop_per_s, 0, "known again");
}

static void test_sessions(void)
{
    begin();
    feed(slots(8, 0), 1000);
    ok(stress.values.sessions_seen < 0 && stress.values.service_per_s < 0,
       "nobody tells us of sessions");
    for (int i = 0; i < 30; i++)
        stress_note_session_end(&stress, i % 3 ? SESSION_LOST : SESSION_SERVED, now_ms);
    for (int i = 0; i < 20; i++)
        stress_note_session_end(&stress, SESSION_SILENT, now_ms + 1000);
    now_ms += 1000;
    feed(slots(8, 0), 300);
    is_number(stress.values.sessions_seen, 50, "sessions");
    is_number(stress.values.lost_share, 0.8, "share of those lost");
    is_number(stress.values.service_per_s, 5, "per second, over ten");
    ok(stress.tracker.level == LEVEL_ELEVATED, "elevated: they end before they begin");
    is_string(sensor_name(stress.pressure.driver), "lost_share", "... says the driver");
    now_ms += 8900;
    feed(slots(8, 0), 50);
    is_number(stress.values.sessions_seen, 20, "ten seconds later the older ones are gone");
    now_ms += 60000;
    feed(slots(8, 0), 50);
    is_number(stress.values.sessions_seen, 0, "and then all");
}

static void test_waiting(void)
{
    begin();
    struct stress_input input = slots(3, 1);
    input.longest_wait_ms = 1500;
    feed(input, 300);
    is_number(stress.values.wait_s, 1.5, "as measured");
    is_string(sensor_name(stress.pressure.driver), "wait_time", "it drives");
    feed(slots(3, 0), 50);
    is_number(stress.values.wait_s, 0, "nobody waits: no time");
    feed(slots(3, 1), 50);
    ok(stress.values.wait_s < 0, "not measured");
}

static void test_next_change(void)
{
    begin();
    is_number(stress_next_change_ms(&stress, &settings), 0, "nothing will change");
    struct stress_input input = slots(20, 6);
    stress_update(&stress, &settings, &input, now_ms);
    is_number(stress_next_change_ms(&stress, &settings), now_ms + 200, "rises after 200 ms");
    ok(!stress_update(&stress, &settings, &input, now_ms + 199), "not before");
    ok(stress_update(&stress, &settings, &input, now_ms + 200), "at that time exactly");
    is_number(stress_next_change_ms(&stress, &settings), 0, "is where it is");
    input = slots(0, 0);
    stress_update(&stress, &settings, &input, now_ms + 400);
    stress_update(&stress, &settings, &input, now_ms + 600);
    is_number(stress_next_change_ms(&stress, &settings), now_ms + 200 + levels.hold_ms,
              "falls after the hold time");
    ok(stress_update(&stress, &settings, &input, now_ms + 200 + levels.hold_ms),
       "at that time exactly");
}

int main(void)
{
    test_flood();
    test_flag();
    test_late_flag();
    test_turned_away();
    test_rates();
    test_sessions();
    test_waiting();
    test_next_change();
    return done_testing();
}
