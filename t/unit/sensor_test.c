/* The table of sensors: each row by itself, and which of them drives the pressure. */
#include "common/sensor.h"
#include "t/unit/tap.h"

static const struct level_settings levels = {.threshold = {0, 0.60, 0.80, 1.00}};
static const struct sensor_settings settings = {.wait_target_ms = 1000, .lost_share = 0.5};

#define U SENSOR_UNKNOWN
/* Calls instead of braces: clang-format would line the members up in columns. */
#define CASE(...)                                                                              \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
#define VALUES(...) CASE(__VA_ARGS__, .turned_away = U)
static const struct {
    const char *what;
    struct sensor_values values; /* limit, busy, waiting, backlog, wait, service, overflow,
                                    drop, lost share, sessions, postfix */
    bool is_known;
    double slots, value;
    enum sensor driver;
} cases[] = {
    CASE("nothing known", VALUES(U, U, U, U, U, U, U, U, U, U, U), false, 0, 0, SENSOR_NONE),
    CASE("no limit", VALUES(0, 5, 0, U, U, U, U, U, U, U, 0), false, 0, 0, SENSOR_NONE),
    CASE("idle", VALUES(20, 0, 0, 100, 0, U, 0, 0, U, 0, 0), true, 0, 0, SENSOR_SLOTS),
    CASE("half", VALUES(20, 10, 0, 100, 0, U, 0, 0, U, 0, 0), true, 0.5, 0.5, SENSOR_SLOTS),
    CASE("full", VALUES(20, 20, 0, 100, 0, U, 0, 0, U, 0, 0), true, 1, 1, SENSOR_SLOTS),
    CASE("full, some wait", VALUES(20, 20, 10, 100, 0, U, 0, 0, U, 0, 0), true, 1, 1.5,
         SENSOR_WAITING),
    CASE("some wait, slots are not known", VALUES(20, U, 10, 100, 0, U, 0, 0, U, 0, 0), false,
         0, 0.5, SENSOR_WAITING),
    CASE("wait below the target", VALUES(20, 2, 1, 100, 0.9, U, 0, 0, U, 0, 0), true, 0.1, 0.15,
         SENSOR_WAITING),
    CASE("wait as long as the target", VALUES(20, 2, 1, 100, 1, U, 0, 0, U, 0, 0), true, 0.1,
         0.8, SENSOR_WAIT_TIME),
    CASE("twice as long", VALUES(20, 2, 1, 100, 2, U, 0, 0, U, 0, 0), true, 0.1, 1.6,
         SENSOR_WAIT_TIME),
    CASE("forever", VALUES(20, 2, 1, 100, 1e6, U, 0, 0, U, 0, 0), true, 0.1, 10,
         SENSOR_WAIT_TIME),
    CASE("wait estimated: 10 wait, 5 a second", VALUES(20, 20, 10, U, U, 5, U, U, U, 0, 0),
         true, 1, 1.6, SENSOR_WAIT_TIME),
    CASE("nobody is served", VALUES(20, 20, 1, U, U, 0, U, U, U, 0, 0), true, 1, 8,
         SENSOR_WAIT_TIME),
    CASE("nobody was, but a slot is free", VALUES(20, 2, 1, U, U, 0, U, U, U, 0, 0), true, 0.1,
         0.15, SENSOR_WAITING),
    CASE("what was measured wins", VALUES(20, 2, 10, U, 0.1, 5, U, U, U, 0, 0), true, 0.1, 0.6,
         SENSOR_WAITING),
    CASE("another port's overflow", VALUES(20, 2, 0, 100, 0, U, 50, 0, U, 0, 0), true, 0.1, 0.1,
         SENSOR_SLOTS),
    CASE("ours", VALUES(20, 2, 0, 100, 0, U, 50, 3, U, 0, 0), true, 0.1, 1, SENSOR_OVERFLOWS),
    CASE("a drop that was no overflow", VALUES(20, 2, 0, 100, 0, U, 0, 3, U, 0, 0), true, 0.1,
         0.1, SENSOR_SLOTS),
    CASE("only our drops are known", VALUES(20, 2, 0, 100, 0, U, U, 3, U, 0, 0), true, 0.1, 1,
         SENSOR_OVERFLOWS),
    CASE("drops are not, our queue is short", VALUES(20, 2, 9, 100, 0, U, 50, U, U, 0, 0), true,
         0.1, 0.55, SENSOR_WAITING),
    CASE("drops are not, our queue is long", VALUES(200, 2, 50, 100, 0, U, 50, U, U, 0, 0),
         true, 0.01, 1, SENSOR_OVERFLOWS),
    CASE("drops are not, nobody waits", VALUES(20, 2, 0, U, 0, U, 50, U, U, 0, 0), true, 0.1,
         0.1, SENSOR_SLOTS),
    CASE("lost sessions, slots empty", VALUES(20, 5, 0, 100, 0, 9, 0, 0, 1, 90, 0), true, 0.25,
         0.25, SENSOR_SLOTS),
    CASE("lost sessions, slots fill", VALUES(20, 6, 0, 100, 0, 9, 0, 0, 0.5, 90, 0), true, 0.3,
         0.6, SENSOR_LOST_SHARE),
    CASE("few of them", VALUES(20, 6, 0, 100, 0, 9, 0, 0, 1, 9, 0), true, 0.3, 0.3,
         SENSOR_SLOTS),
    CASE("less than their share", VALUES(20, 6, 0, 100, 0, 9, 0, 0, 0.49, 90, 0), true, 0.3,
         0.3, SENSOR_SLOTS),
    CASE("lost sessions, slots not known", VALUES(20, U, 0, 100, 0, 9, 0, 0, 1, 90, 0), false,
         0, 0, SENSOR_NONE),
    CASE("Postfix says so", VALUES(20, 0, 0, 100, 0, U, 0, 0, U, 0, 1), true, 0, 0.8,
         SENSOR_POSTFIX_STRESS),
    CASE("Postfix alone", VALUES(U, U, U, U, U, U, U, U, U, U, 1), false, 0, 0.8,
         SENSOR_POSTFIX_STRESS),
    CASE("Postfix is late", VALUES(20, 20, 5, 100, 0, U, 0, 0, U, 0, 1), true, 1, 1.25,
         SENSOR_WAITING),
    CASE("turned away: slots for them would be needed", CASE(20, 8, 0, .turned_away = 8), true,
         0.4, 0.8, SENSOR_TURNED_AWAY),
    CASE("turned away, slots are not known", CASE(20, U, 0, .turned_away = 30), false, 0, 1.5,
         SENSOR_TURNED_AWAY),
    CASE("turned away, no limit", CASE(U, U, U, .turned_away = 30), false, 0, 0, SENSOR_NONE),
    CASE("more than the limit", VALUES(20, 30, 0, 100, 0, U, 0, 0, U, 0, 0), true, 1.5, 1.5,
         SENSOR_SLOTS),
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double called[SENSOR_COUNT], highest = 0;
        struct pressure pressure =
            sensor_pressure(&cases[i].values, &levels, &settings, called);
        ok(pressure.is_known == cases[i].is_known, "%s: %s", cases[i].what,
           cases[i].is_known ? "slots are known" : "slots are not known");
        is_number(pressure.slots, cases[i].slots, "... slots");
        is_number(pressure.value, cases[i].value, "... pressure");
        is_string(sensor_name(pressure.driver), sensor_name(cases[i].driver), "... driver");
        ok(pressure.is_postfix_stressed == (cases[i].values.postfix_stress == 1),
           "... Postfix's view");
        for (enum sensor sensor = 0; sensor < SENSOR_COUNT; sensor++)
            if (called[sensor] > highest)
                highest = called[sensor];
        is_number(highest, cases[i].value, "... is the highest call");
        ok(pressure.busy >= 0 && pressure.waiting >= 0 && pressure.slot_limit >= 0,
           "... no negative counts");
    }
}

static void test_rows(void)
{
    for (enum sensor sensor = 0; sensor < SENSOR_COUNT; sensor++) {
        const struct sensor_row *row = &sensor_table[sensor];
        ok(row->name[0] && row->unit[0] && row->help[0], "row %d", (int)sensor);
        ok(row->number(&sensor_values_unknown) < 0, "%s: without values no number", row->name);
        ok(row->pressure(&sensor_values_unknown, &levels, &settings) <= 0,
           "%s: without values no call", row->name);
        ok(sensor_by_name(slice_from_string(row->name)) == sensor, "%s: by name", row->name);
    }
    ok(sensor_by_name(SLICE_LITERAL("none")) == SENSOR_NONE, "none is no sensor");
    struct sensor_settings no_target = {.wait_target_ms = 0, .lost_share = 0.5};
    struct sensor_values values = cases[10].values;
    is_number(sensor_table[SENSOR_WAIT_TIME].pressure(&values, &levels, &no_target), 0,
              "a target of 0 switches the waiting time off");
}

int main(void)
{
    test_cases();
    test_rows();
    return done_testing();
}
