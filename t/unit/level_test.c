#include "common/level.h"
#include "t/unit/tap.h"

static const struct level_settings settings = {
    .threshold = {0, 0.60, 0.80, 1.00}, .sustain_ms = 200, .hold_ms = 10000};

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

/* Replayed traces: a pressure as a function of time, read every step, for many hold times. */

#define TRACE_MS 200000 /* twenty hold times */

static double square(int64_t t_ms, int64_t period_ms, double low, double high)
{
    return t_ms % period_ms < period_ms / 2 ? low : high;
}

static double sawtooth(int64_t t_ms, int64_t period_ms, double low, double high)
{
    return low + (high - low) * (double)(t_ms % period_ms) / (double)period_ms;
}

/* The same noise in every run (a linear congruential generator). */
static double noise(double from, double to)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return from + (to - from) * (state >> 8) / 16777216.0;
}

static double trace_fast_sawtooth(int64_t t_ms)
{
    return sawtooth(t_ms, 1500, 0.2, 1.3);
}
static double trace_sawtooth(int64_t t_ms)
{
    return sawtooth(t_ms, 8000, 0.2, 1.3);
}
static double trace_slow_sawtooth(int64_t t_ms)
{
    return sawtooth(t_ms, 25000, 0.2, 1.3);
}
static double trace_square(int64_t t_ms)
{
    return square(t_ms, 9000, 0.1, 1.1);
}
static double trace_square_of_hold(int64_t t_ms)
{
    return square(t_ms, 22000, 0.1, 1.1); /* low a moment longer than the hold time */
}
static double trace_bursts(int64_t t_ms)
{
    return t_ms % 3000 < 150 ? 2.0 : 0.1; /* each shorter than the sustain time */
}
static double trace_long_bursts(int64_t t_ms)
{
    return t_ms % 12000 < 500 ? 2.0 : 0.1;
}
static double trace_slow_rise(int64_t t_ms)
{
    return 1.4 * (double)t_ms / TRACE_MS;
}
static double trace_slow_fall(int64_t t_ms)
{
    return 1.4 - 1.4 * (double)t_ms / TRACE_MS;
}
static double trace_noise(int64_t t_ms)
{
    (void)t_ms;
    return noise(0.4, 1.2);
}
static double trace_noise_at_threshold(int64_t t_ms)
{
    (void)t_ms;
    return noise(0.79, 0.81);
}
static double trace_noisy_rise(int64_t t_ms)
{
    return trace_slow_rise(t_ms) + noise(-0.1, 0.1);
}

static const struct {
    const char *name;
    double (*pressure)(int64_t t_ms);
    int ups, downs; /* at most, in the whole trace */
    enum level highest, last;
} traces[] = {
    {"fast sawtooth", trace_fast_sawtooth, 3, 0, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"sawtooth", trace_sawtooth, 3, 0, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"slow sawtooth", trace_slow_sawtooth, 24, 24, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"square", trace_square, 1, 0, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"square of the hold time", trace_square_of_hold, 9, 9, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"bursts", trace_bursts, 0, 0, LEVEL_CALM, LEVEL_CALM},
    {"long bursts", trace_long_bursts, 17, 17, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"slow rise", trace_slow_rise, 3, 0, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"slow fall", trace_slow_fall, 1, 3, LEVEL_CRITICAL, LEVEL_CALM},
    {"noise", trace_noise, 3, 3, LEVEL_CRITICAL, LEVEL_CRITICAL},
    {"noise at a threshold", trace_noise_at_threshold, 2, 0, LEVEL_STRESSED, LEVEL_STRESSED},
    {"noisy rise", trace_noisy_rise, 6, 6, LEVEL_CRITICAL, LEVEL_CRITICAL},
};

struct trace_result {
    int ups, downs;
    bool has_flapped; /* up again within the sustain, or down within the hold time, of a rise */
    enum level highest, last;
};

/* What the hold time promises: a level that was taken is kept so long, whatever comes. */
static struct trace_result replay_trace(double (*pressure)(int64_t t_ms), int64_t step_ms)
{
    struct level_tracker tracker = {.level = LEVEL_CALM};
    struct trace_result result = {.last = LEVEL_CALM};
    int64_t up_ms[LEVEL_COUNT] = {0}, down_ms[LEVEL_COUNT] = {0};
    for (int64_t t_ms = 0; t_ms < TRACE_MS; t_ms += step_ms) {
        enum level before = tracker.level;
        int64_t now_ms = 1000000 + t_ms;
        if (!level_tracker_update(&tracker, &settings, pressure(t_ms), false, now_ms))
            continue;
        for (enum level level = before + 1; level <= tracker.level; level++) {
            result.has_flapped |= up_ms[level] && now_ms - up_ms[level] < settings.hold_ms;
            up_ms[level] = now_ms;
        }
        for (enum level level = tracker.level + 1; level <= before; level++) {
            result.has_flapped |= now_ms - up_ms[level] < settings.hold_ms;
            result.has_flapped |= down_ms[level] && now_ms - down_ms[level] < settings.hold_ms;
            down_ms[level] = now_ms;
        }
        result.ups += tracker.level > before;
        result.downs += tracker.level < before;
        if (tracker.level > result.highest)
            result.highest = tracker.level;
    }
    result.last = tracker.level;
    return result;
}

static void test_replayed_traces(void)
{
    static const int64_t steps_ms[] = {10, 50, 100};
    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        for (size_t j = 0; j < sizeof(steps_ms) / sizeof(steps_ms[0]); j++) {
            struct trace_result result = replay_trace(traces[i].pressure, steps_ms[j]);
            ok(!result.has_flapped,
               "%s, every %d ms: each level at most once up and once down "
               "in a hold time",
               traces[i].name, (int)steps_ms[j]);
            ok(result.ups <= traces[i].ups && result.downs <= traces[i].downs,
               "... %d up, %d down", result.ups, result.downs);
            ok(result.highest == traces[i].highest && result.last == traces[i].last,
               "... highest %s, in the end %s", level_name(result.highest),
               level_name(result.last));
        }
    }
}

static void test_names(void)
{
    enum level level = LEVEL_COUNT;
    ok(level_by_name(SLICE_LITERAL("critical"), &level) && level == LEVEL_CRITICAL, "by name");
    ok(!level_by_name(SLICE_LITERAL("Calm"), &level) &&
           !level_by_name(SLICE_LITERAL(""), &level),
       "no name");
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
    test_replayed_traces();
    test_names();
    test_postfix();
    return done_testing();
}
