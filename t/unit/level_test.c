#include "common/level.h"
#include "t/unit/tap.h"

static const struct level_settings settings = {
    .threshold = {0, 0.60, 0.80, 1.00},
      .sustain_ms = 200, .hold_ms = 10000
};

struct sample {
    int64_t until_ms; /* this pressure, read every 100 ms, until then */
    double pressure;
};

static int changes, last_change_ms;

static enum level replay(const struct sample *samples, size_t count)
{
    struct level_tracker tracker = {.level = LEVEL_CALM};
    int64_t now_ms = 1;
    changes = last_change_ms = 0;
    for (size_t i = 0; i < count; i++) {
        for (; now_ms < samples[i].until_ms; now_ms += 100) {
            if (level_tracker_update(&tracker, &settings, samples[i].pressure, false, now_ms)) {
                changes++;
                last_change_ms = (int)now_ms;
            }
        }
    }
    return tracker.level;
}
#define REPLAY(...)                                                                            \
    replay((const struct sample[]){__VA_ARGS__},                                               \
           sizeof((const struct sample[]){__VA_ARGS__}) / sizeof(struct sample))

static void test_traces(void)
{
    ok(REPLAY({1000, 0.1}) == LEVEL_CALM && changes == 0, "quiet stays calm");
    ok(REPLAY({1000, 0.1}, {1100, 1.5}, {2000, 0.1}) == LEVEL_CALM && changes == 0,
       "a spike shorter than the sustain time does not count");
    ok(REPLAY({1000, 0.1}, {1300, 1.0}) == LEVEL_CRITICAL && last_change_ms == 1201,
       "a sustained pressure counts after 200 ms");
    ok(REPLAY({1000, 0.7}) == LEVEL_ELEVATED, "elevated");
    ok(REPLAY({1000, 0.9}) == LEVEL_STRESSED, "stressed");
    ok(REPLAY({1000, 0.9}, {10500, 0.1}) == LEVEL_STRESSED, "held for the hold time");
    ok(REPLAY({1000, 0.9}, {12000, 0.1}) == LEVEL_CALM && changes == 2 &&
           last_change_ms <= 1000 + 10100,
       "and let go after it");
    ok(REPLAY({1000, 1.2}, {12000, 0.7}) == LEVEL_ELEVATED, "falls as far as the pressure");
}

/* A sawtooth of a second for a minute: up once, and never down in between. */
static void test_oscillation(void)
{
    struct sample samples[120];
    for (int i = 0; i < 120; i++)
        samples[i] = (struct sample){500 * (i + 1), i % 2 ? 0.95 : 0.3};
    ok(replay(samples, 120) == LEVEL_STRESSED && changes == 1,
       "an oscillating load: one change");
}

static void test_postfix(void)
{
    struct level_tracker tracker = {.level = LEVEL_CALM};
    ok(level_of_pressure(&settings, 0.0, true) == LEVEL_STRESSED, "stress=yes is stressed");
    ok(level_of_pressure(&settings, 1.2, true) == LEVEL_CRITICAL, "... at least");
    level_tracker_update(&tracker, &settings, 0.0, true, 1000);
    ok(level_tracker_update(&tracker, &settings, 0.0, true, 1200), "it too is sustained first");
    is_string(level_name(tracker.level), "stressed", "name");
}

int main(void)
{
    test_traces();
    test_oscillation();
    test_postfix();
    return done_testing();
}
