#include "common/rails.h"
#include "t/unit/tap.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)

static const struct rails_settings settings = {
    .history_cap_share = 0.5, .history_cap_sample = 100, .shared_sessions = 8};

/* rate connections a second for seconds, share of them by history; counts changes. */
struct run {
    struct history_cap cap;
    int64_t now_ms;
    int reached, left;
};

static void go_on(struct run *run, int seconds, int rate, double share)
{
    double owed = 0;
    for (int i = 0; i < seconds * rate; i++) {
        run->now_ms += SECOND / rate;
        owed += share;
        bool is_by_history = owed >= 1;
        owed -= is_by_history;
        enum history_cap_change change =
            history_cap_count(&run->cap, &settings, is_by_history, run->now_ms);
        run->reached += change == HISTORY_CAP_REACHED;
        run->left += change == HISTORY_CAP_LEFT;
    }
}

static bool is_reached(struct run *run)
{
    return history_cap_is_reached(&run->cap, &settings, run->now_ms);
}

static void test_flood_and_end(void)
{
    struct run run = {.now_ms = 1700000 * SECOND};
    go_on(&run, 600, 5, 0.4);
    ok(!is_reached(&run), "four in ten by history, for ten minutes: within the cap");
    go_on(&run, 30, 50, 0.95);
    ok(is_reached(&run), "a flood of them");
    is_number(run.reached, 1, "told once");
    go_on(&run, 240, 5, 0.1);
    ok(is_reached(&run), "four minutes after it: still in the window");
    go_on(&run, 90, 5, 0.1);
    ok(!is_reached(&run), "five and a half minutes after it: over");
    is_number(run.left, 1, "told once");
}

static void test_no_flapping(void)
{
    struct run run = {.now_ms = 0};
    for (int i = 0; i < 60; i++)
        go_on(&run, 20, 10, i % 2 ? 0.40 : 0.62);
    is_number(run.reached, 1, "around the cap for twenty minutes: reached once");
    is_number(run.left, 0, "and not left");
    go_on(&run, 400, 10, 0.36);
    is_number(run.left, 1, "left below three quarters of it");
}

static void test_small_sample(void)
{
    struct run run = {.now_ms = 0};
    go_on(&run, 99, 1, 1);
    ok(!is_reached(&run), "99 connections, all by history: too few to tell");
    go_on(&run, 1, 1, 1);
    ok(is_reached(&run), "100 are enough");
    run.now_ms += 6 * MINUTE;
    ok(!is_reached(&run), "nobody came for six minutes: nothing counts any more");
    is_number((long long)run.cap.connections, 0, "and nothing is left in the window");
    go_on(&run, 10, 1, 0);
    is_number(run.left, 1, "told with the next connection");
}

static void test_time(void)
{
    struct run run = {.now_ms = 10 * MINUTE};
    go_on(&run, 100, 2, 1);
    uint64_t before = run.cap.connections;
    run.now_ms -= 2 * MINUTE; /* threads are not in step */
    history_cap_count(&run.cap, &settings, true, run.now_ms);
    is_number((long long)run.cap.connections, (long long)before + 1, "time that went back");
    run.now_ms += 1000000 * MINUTE;
    history_cap_count(&run.cap, &settings, false, run.now_ms);
    is_number((long long)run.cap.connections, 1, "two years later");
    is_number(history_cap_share(&run.cap) * 100, 0, "share");
    is_number(history_cap_share(&(struct history_cap){.last = 0}) * 100, 0, "share of none");
}

static void test_off(void)
{
    struct rails_settings off = settings;
    struct history_cap cap = {.last = 0};
    off.history_cap_share = 1;
    for (int i = 0; i < 1000; i++)
        history_cap_count(&cap, &off, true, i);
    ok(!history_cap_is_reached(&cap, &off, 1000), "no cap");
}

static const struct {
    const char *what;
    int sessions, behaving;
    bool is_shared;
} shared_cases[] = {
    {"one session", 1, 1, false},
    {"a busy sender", 7, 7, false},
    {"eight that behave", 8, 8, true},
    {"half of them behave", 8, 4, true},
    {"most of them are silent", 8, 3, false},
    {"a flood from one address", 200, 0, false},
    {"a flood from behind NAT", 200, 20, false},
    {"a big provider, and some bots", 200, 150, true},
};

static void test_shared(void)
{
    for (size_t i = 0; i < sizeof(shared_cases) / sizeof(shared_cases[0]); i++)
        ok(rails_is_shared(&settings, shared_cases[i].sessions, shared_cases[i].behaving) ==
               shared_cases[i].is_shared,
           "%s", shared_cases[i].what);
    ok(!rails_is_shared(&(struct rails_settings){.shared_sessions = 0}, 500, 500),
       "switched off");
}

int main(void)
{
    test_flood_and_end();
    test_no_flapping();
    test_small_sample();
    test_time();
    test_off();
    test_shared();
    return done_testing();
}
