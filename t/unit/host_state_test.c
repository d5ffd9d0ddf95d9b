/* What hosts publish: written and read back, read with distrust, summed up for the cluster. */
#include "common/cluster.h"
#include "common/host_lease.h"
#include "common/level_event.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define NOW_MS INT64_C(1800000000000)

/* The arguments of a command in wire form; the texts stay where they are. */
static size_t read_arguments(char *wire, struct slice *arguments, size_t size)
{
    char *end;
    size_t count = strtoul(wire + 1, &end, 10);
    for (size_t i = 0; i < count && i < size; i++) {
        arguments[i].length = strtoul(end + 3, &end, 10);
        arguments[i].data = end + 2;
        end += 2 + arguments[i].length;
    }
    return count;
}

static struct host_state example(void)
{
    struct host_state state = {
        .service_count = 2,
        .is_off = true,
        .cluster_hosts = 3,
        .cluster_stressed = 2,
        .cluster_highest = LEVEL_CRITICAL,
    };
    for (int i = 0; i < 2; i++)
        service_state_init(&state.services[i]);
    struct service_state *smtp = &state.services[0], *other = &state.services[1];
    snprintf(smtp->name, sizeof(smtp->name), "smtp");
    smtp->port = 25;
    smtp->level = LEVEL_STRESSED;
    smtp->level_source = LEVEL_BY_OVERRIDE;
    smtp->level_age_s = 12;
    smtp->pressure = 1.234;
    smtp->driver = SENSOR_WAITING;
    smtp->busy = 20;
    smtp->slot_limit = 20;
    smtp->waiting = 5;
    smtp->sessions = 19;
    smtp->wait_s = 0.75;
    smtp->is_postfix_stressed = true;
    snprintf(other->name, sizeof(other->name), "127.0.0.1:submission");
    other->port = 587;
    other->busy = 3;
    return state;
}

/* As the script stores it: the arguments from the fifth on. */
static size_t offered_fields(const struct host_state *state, char *buffer, size_t size,
                             struct redis_field *fields)
{
    struct slice arguments[2 * HOST_STATE_FIELDS_MAX];
    struct redis_command command = {buffer, 0, size, false};
    const struct host_lease_offer offer = {PUBLISHER_MILTER, SLICE_LITERAL("milter:mx1:1:2"),
                                           false, state};
    host_lease_command(&command, SLICE_LITERAL("pv:host:mx1"), &offer);
    ok(!command.is_overflown, "the command fits: %zu bytes", command.length);
    size_t count = read_arguments(buffer, arguments, 2 * HOST_STATE_FIELDS_MAX);
    ok(slice_equals(arguments[4], SLICE_LITERAL("milter")) &&
           slice_equals(arguments[5], SLICE_LITERAL("milter:mx1:1:2")),
       "publisher and id");
    for (size_t i = 8; i + 1 < count; i += 2)
        fields[(i - 8) / 2] = (struct redis_field){arguments[i], arguments[i + 1]};
    return (count - 8) / 2;
}

static void test_round_trip(void)
{
    static char buffer[HOST_LEASE_COMMAND_SIZE];
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct host_state state = example(), again;
    size_t count = offered_fields(&state, buffer, sizeof(buffer), fields);
    host_state_parse(fields, count, &again);
    ok(again.service_count == 2 && again.is_off, "services");
    ok(again.cluster_hosts == 3 && again.cluster_stressed == 2 &&
           again.cluster_highest == LEVEL_CRITICAL,
       "what it hears of others");
    const struct service_state *smtp = host_state_service(&again, "smtp");
    ok(smtp == &again.services[0], "the first one is the main one");
    ok(smtp->port == 25 && smtp->level == LEVEL_STRESSED && smtp->level_age_s == 12 &&
           smtp->level_source == LEVEL_BY_OVERRIDE && smtp->driver == SENSOR_WAITING,
       "level, source, age, driver");
    is_number(smtp->pressure, 1.234, "pressure");
    is_number(smtp->wait_s, 0.75, "wait");
    ok(smtp->busy == 20 && smtp->slot_limit == 20 && smtp->waiting == 5 &&
           smtp->sessions == 19 && smtp->is_postfix_stressed,
       "counts");
    const struct service_state *other = host_state_service(&again, "127.0.0.1:submission");
    ok(other && other->port == 587 && other->busy == 3, "the second one, dots in its name");
    ok(other && other->slot_limit < 0 && other->pressure < 0 && other->waiting < 0 &&
           other->driver == SENSOR_NONE,
       "... what is not known stays so");
    ok(!host_state_service(&again, "nosuch"), "no such service");
    ok(host_state_level(&again) == LEVEL_STRESSED, "the highest level");
}

static void test_size(void)
{
    static char buffer[HOST_LEASE_COMMAND_SIZE];
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct host_state state = example(), again;
    for (size_t i = 1; i < HOST_STATE_SERVICES_MAX; i++) {
        state.services[i] = state.services[0];
        snprintf(state.services[i].name, SERVICE_NAME_SIZE, "%064zu", i);
    }
    state.service_count = HOST_STATE_SERVICES_MAX;
    size_t count = offered_fields(&state, buffer, sizeof(buffer), fields);
    host_state_parse(fields, count, &again);
    ok(again.service_count == HOST_STATE_SERVICES_MAX &&
           again.services[HOST_STATE_SERVICES_MAX - 1].busy == 20,
       "as many services as there may be, %zu fields", count);
}

static struct host_state parse_one(const char *name, const char *value)
{
    struct redis_field field = {slice_from_string(name), slice_from_string(value)};
    struct host_state state;
    host_state_parse(&field, 1, &state);
    return state;
}

static void test_distrust(void)
{
    ok(parse_one("level", "apocalypse").services[0].level == LEVEL_CALM, "an unknown level");
    is_number(parse_one("pressure", "1000000").services[0].pressure, SERVICE_PRESSURE_MAX,
              "a pressure beyond measure is cut");
    ok(parse_one("pressure", "nan").services[0].pressure < 0, "one that is no number");
    ok(parse_one("pressure", "-1").services[0].pressure < 0, "one that is negative");
    is_number(parse_one("busy", "99999999999").services[0].busy, SERVICE_COUNT_MAX,
              "a count beyond measure is cut");
    ok(parse_one("busy", "99999999999999999999").services[0].busy < 0, "one beyond numbers");
    ok(parse_one("publisher", "root").publisher == PUBLISHER_NONE, "an unknown publisher");
    ok(parse_one(".level", "critical").service_count == 1, "no name of a service");
    ok(parse_one("", "x").service_count == 1, "no name at all");

    static char names[2 * HOST_STATE_FIELDS_MAX][16];
    struct redis_field fields[2 * HOST_STATE_FIELDS_MAX];
    struct host_state state;
    for (int i = 0; i < 2 * HOST_STATE_FIELDS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%d.busy", i);
        fields[i] = (struct redis_field){slice_from_string(names[i]), SLICE_LITERAL("1")};
    }
    host_state_parse(fields, 2 * HOST_STATE_FIELDS_MAX, &state);
    ok(state.service_count == HOST_STATE_SERVICES_MAX, "more services than there may be");
}

static struct host_state published(int64_t renewed_ms, enum level level)
{
    struct host_state state = {
        .publisher = PUBLISHER_POLICYD, .renewed_ms = renewed_ms, .service_count = 1};
    service_state_init(&state.services[0]);
    state.services[0].level = level;
    state.services[0].pressure = 0.5;
    state.seen_ms[PUBLISHER_MILTER] = renewed_ms;
    return state;
}

static void test_lease(void)
{
    struct host_state state = published(NOW_MS, LEVEL_CALM);
    ok(host_state_is_fresh(&state, NOW_MS + 9999), "fresh within its lease");
    ok(!host_state_is_fresh(&state, NOW_MS + 10000), "not after it");
    ok(!host_state_is_fresh(&state, NOW_MS - 5000), "nor with a time that is still to come");
    ok(host_state_has(&state, PUBLISHER_MILTER, NOW_MS + 1999), "the milter runs");
    ok(!host_state_has(&state, PUBLISHER_MILTER, NOW_MS + 2000), "it does not any more");
    ok(!host_state_has(&state, PUBLISHER_POLICYD, NOW_MS), "policyd never did");
    state.publisher = PUBLISHER_NONE;
    ok(!host_state_is_fresh(&state, NOW_MS), "nobody publishes");
}

static struct cluster_summary sum(int fresh_stressed, int fresh_calm, int stale_stressed)
{
    struct cluster_summary summary = {.hosts = 0};
    struct host_state stressed = published(NOW_MS, LEVEL_STRESSED);
    struct host_state calm = published(NOW_MS, LEVEL_CALM);
    struct host_state stale = published(NOW_MS - 20000, LEVEL_CRITICAL);
    while (fresh_stressed-- > 0)
        cluster_add(&summary, &stressed, NOW_MS);
    while (fresh_calm-- > 0)
        cluster_add(&summary, &calm, NOW_MS);
    while (stale_stressed-- > 0)
        cluster_add(&summary, &stale, NOW_MS);
    return summary;
}

static void test_cluster(void)
{
    static const struct {
        int stressed, calm, stale;
        enum level floor, highest;
    } cases[] = {
        {0, 0, 0, LEVEL_CALM, LEVEL_CALM},
        {1, 0, 0, LEVEL_CALM, LEVEL_STRESSED}, /* a single host pins nobody */
        {1, 1, 0, LEVEL_CALM, LEVEL_STRESSED},
        {2, 0, 0, LEVEL_ELEVATED, LEVEL_STRESSED},
        {2, 2, 0, LEVEL_ELEVATED, LEVEL_STRESSED},
        {2, 3, 0, LEVEL_CALM, LEVEL_STRESSED},
        {0, 2, 5, LEVEL_CALM, LEVEL_CALM}, /* nor do the dead */
        {1, 2, 5, LEVEL_CALM, LEVEL_STRESSED},
    };
    const struct cluster_settings off = {CLUSTER_FOLLOW_OFF, 0.5};
    const struct cluster_settings follow = {CLUSTER_FOLLOW_ELEVATED, 0.5};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cluster_summary summary = sum(cases[i].stressed, cases[i].calm, cases[i].stale);
        ok(summary.hosts == cases[i].stressed + cases[i].calm &&
               summary.stressed == cases[i].stressed,
           "%d of %d stressed, %d dead", cases[i].stressed, cases[i].stressed + cases[i].calm,
           cases[i].stale);
        ok(summary.highest == cases[i].highest, "... the highest level");
        ok(cluster_floor(&summary, &follow) == cases[i].floor, "... floor");
        ok(cluster_floor(&summary, &off) == LEVEL_CALM, "... none where it is not configured");
    }
}

static void test_commands(void)
{
    char buffer[LEVEL_EVENT_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct level_change change = {"smtp",           LEVEL_CALM, LEVEL_STRESSED,
                                  LEVEL_BY_SENSORS, 1.2,        SENSOR_WAITING};
    level_event_command(&command, "pv:", "mx1", &change);
    ok(!command.is_overflown, "an event fits");
    buffer[command.length] = '\0';
    ok(strncmp(buffer, "*22\r\n$4\r\nXADD\r\n$9\r\npv:events\r\n", 30) == 0, "XADD");
    ok(strstr(buffer, "$7\r\nPUBLISH\r\n$8\r\npv:level\r\n$23\r\nlevel mx1 smtp stressed\r\n"),
       "PUBLISH");
    command = REDIS_COMMAND(buffer);
    override_announce_command(&command, "pv:", "*");
    buffer[command.length] = '\0';
    ok(strstr(buffer, "override *") != NULL, "an override is announced");
}

int main(void)
{
    test_round_trip();
    test_size();
    test_distrust();
    test_lease();
    test_cluster();
    test_commands();
    return done_testing();
}
