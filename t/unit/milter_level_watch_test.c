/* The level as the milter sees it: fed by sessions, with what others say. */
#include "milter/level_watch.h"
#include "t/unit/tap.h"

#define START_MS 1000000

static struct config *config;
static bool is_stressed; /* what the last reading was taken for */

static enum level feed(struct level_watch *watch, int busy, bool says_stressed, int64_t now_ms)
{
    struct pressure pressure = {
        .is_known = true,
        .slots = busy / 10.0,
        .value = busy / 10.0,
        .busy = busy,
        .slot_limit = 10,
        .is_postfix_stressed = says_stressed,
    };
    enum level level = level_watch_feed(watch, config, &pressure, START_MS + now_ms);
    is_stressed = pressure.is_postfix_stressed;
    return level;
}

static void test_level(void)
{
    struct level_watch *watch = level_watch_create();
    ok(feed(watch, 1, false, 0) == LEVEL_CALM && !is_stressed, "calm");
    ok(feed(watch, 7, false, 100) == LEVEL_ELEVATED, "the pressure raises the level");
    ok(feed(watch, 7, true, 200) == LEVEL_STRESSED && is_stressed,
       "one stress=yes makes it stressed");
    ok(feed(watch, 7, false, 3000) == LEVEL_STRESSED && is_stressed,
       "the no of an older process does not undo it");
    ok(feed(watch, 1, true, 20000) == LEVEL_CALM && !is_stressed,
       "a yes that is no news, with free slots, does not pin it");

    struct pressure unknown = {.is_known = false, .value = 5};
    ok(level_watch_feed(watch, config, &unknown, START_MS + 30000) == LEVEL_CALM,
       "a pressure that is not known raises nothing");
    level_watch_free(watch);
    level_watch_free(NULL);
}

static void test_outside(void)
{
    struct level_watch *watch = level_watch_create();
    struct override_effect effect = {.is_off = false};
    struct service_state state;
    bool is_forced, is_off;
    level_watch_set_outside(watch, &effect, LEVEL_ELEVATED);
    ok(feed(watch, 1, false, 0) == LEVEL_ELEVATED, "other hosts raise it");
    effect =
        (struct override_effect){.is_level_forced = true, .level = LEVEL_CALM, .is_off = true};
    level_watch_set_outside(watch, &effect, LEVEL_ELEVATED);
    ok(feed(watch, 10, false, 100) == LEVEL_CALM, "an administrator forces it");
    level_watch_get_override(watch, &is_forced, &is_off);
    ok(is_forced && is_off, "which is told");
    service_state_init(&state);
    ok(level_watch_describe(watch, START_MS + 5100, &state), "switched off");
    ok(state.level == LEVEL_CALM && state.level_source == LEVEL_BY_OVERRIDE &&
           state.level_age_s == 5,
       "level, source, age");
    effect = (struct override_effect){.is_off = false};
    level_watch_set_outside(watch, &effect, LEVEL_CALM);
    ok(feed(watch, 10, false, 200) == LEVEL_CRITICAL, "until that ends");
    level_watch_free(watch);
}

int main(void)
{
    config = config_default();
    struct level_settings *level = &config->services.items[0].level;
    level->sustain_ms = 0;
    level->hold_ms = 1000;
    test_level();
    test_outside();
    config_free(config);
    return done_testing();
}
