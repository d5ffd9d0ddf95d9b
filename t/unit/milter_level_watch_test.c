#include "milter/level_watch.h"
#include "t/unit/tap.h"

static const struct level_settings settings = {
    .threshold = {0, 0.60, 0.80, 1.00},
      .sustain_ms = 0, .hold_ms = 1000
};

static bool is_stressed; /* what the last reading was taken for */

static enum level feed(struct level_watch *watch, double value, bool says_stressed,
                       int64_t now_ms)
{
    struct pressure pressure = {
        .is_known = true, .slots = value, .value = value, .is_postfix_stressed = says_stressed};
    enum level level = level_watch_feed(watch, &settings, &pressure, now_ms);
    is_stressed = pressure.is_postfix_stressed;
    return level;
}

int main(void)
{
    struct level_watch *watch = level_watch_create();
    ok(feed(watch, 0.1, false, 1000) == LEVEL_CALM && !is_stressed, "calm");
    ok(feed(watch, 0.7, false, 1100) == LEVEL_ELEVATED, "the pressure raises the level");
    ok(feed(watch, 0.1, true, 1200) == LEVEL_STRESSED && is_stressed,
       "one stress=yes makes it stressed");
    ok(feed(watch, 0.1, false, 5000) == LEVEL_STRESSED && is_stressed,
       "the no of an older process does not undo it");
    ok(feed(watch, 0.1, true, 6000) == LEVEL_STRESSED, "another yes");
    ok(feed(watch, 0.1, false, 6000 + LEVEL_WATCH_STRESS_MS - 1) == LEVEL_STRESSED &&
           is_stressed,
       "... counts from then on");
    ok(feed(watch, 0.1, false, 6000 + LEVEL_WATCH_STRESS_MS) == LEVEL_STRESSED && !is_stressed,
       "without another one it is over");
    ok(feed(watch, 0.1, false, 8000 + LEVEL_WATCH_STRESS_MS) == LEVEL_CALM,
       "... and the level falls after its hold time");

    struct pressure unknown = {.is_known = false, .value = 5};
    ok(level_watch_feed(watch, &settings, &unknown, 30000) == LEVEL_CALM,
       "a pressure that is not known raises nothing");
    level_watch_free(watch);
    level_watch_free(NULL);
    return done_testing();
}
