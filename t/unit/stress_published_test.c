/* The monitor, told what another process of this host measured. */
#include "t/unit/stress_bed.h"

/* A milter on this host counts exactly. */
static void test_published(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct host_state state = {
        .publisher = PUBLISHER_MILTER, .renewed_ms = REDIS_MS, .service_count = 1};
    service_state_init(&state.services[0]);
    snprintf(state.services[0].name, SERVICE_NAME_SIZE, "smtp");
    state.services[0].slot_limit = SLOTS;
    state.services[0].busy = 3;
    state.services[0].pressure = 0.75;
    state.services[0].level = LEVEL_ELEVATED;
    server_connect(smtp, SLOTS);
    server_accept(smtp, SLOTS);
    stress_monitor_set_published(monitor, &state);
    tick_for(monitor, NULL, 1000);
    struct stress_reading reading = read_service(monitor, 0);
    ok(reading.pressure.busy == 3 && reading.level == LEVEL_ELEVATED,
       "what the milter says counts: %d", reading.pressure.busy);
    ok(reading.own_level == LEVEL_CRITICAL, "we know our own");
    ok(read_service(monitor, 1).level == LEVEL_CALM, "a service that it does not tell of");
    tick_for(monitor, (int[]){SLOTS, 0}, 200);
    stress_monitor_read(monitor, 0, SLOTS, false, now_ms, &reading);
    is_number(reading.pressure.busy, SLOTS, "exact numbers of the caller count more");
    stress_monitor_set_published(monitor, NULL);
    reading = read_service(monitor, 0);
    ok(reading.pressure.busy == SLOTS && reading.level == LEVEL_CRITICAL,
       "it is gone: ours again, at once");
    server_clear(smtp);
    stress_monitor_close(monitor);
    config_free(config);
}

static void test_spawned(struct server *smtp)
{
    struct config *config = load("{\"services\": [{\"name\": \"smtp\", \"port\": %d,"
                                 " \"postfix_config_directory\": \"%s\"}]}",
                                 smtp->port, directory);
    struct stress_monitor *monitor =
        stress_monitor_open(config, STRESS_MONITOR_SPAWNED, now_ms);
    struct host_state state = {
        .publisher = PUBLISHER_POLICYD, .renewed_ms = REDIS_MS, .service_count = 1};
    service_state_init(&state.services[0]);
    snprintf(state.services[0].name, SERVICE_NAME_SIZE, "smtp");
    state.services[0].level = LEVEL_STRESSED;
    state.services[0].slot_limit = 5;
    struct stress_reading reading = read_service(monitor, 0);
    ok(!reading.pressure.is_known && reading.level == LEVEL_CALM,
       "spawned: nobody says the slot limit");
    stress_monitor_set_published(monitor, &state);
    reading = read_service(monitor, 0);
    ok(reading.pressure.is_known && reading.pressure.slot_limit == 5 &&
           reading.pressure.busy == 0 && reading.level == LEVEL_STRESSED,
       "spawned: slot limit and level of the publisher");

    now_ms += 1000;
    state.services[0].busy = 5;
    state.services[0].pressure = 1.2;
    state.services[0].level = LEVEL_CRITICAL;
    state.services[0].is_postfix_stressed = true;
    stress_monitor_set_published(monitor, &state);
    stress_monitor_read(monitor, 0, -1, true, now_ms, &reading);
    ok(reading.pressure.busy == 5 && reading.pressure.value > 1.1 &&
           reading.level == LEVEL_CRITICAL,
       "... and its numbers, where it has them: %d", reading.pressure.busy);
    ok(!reading.pressure.is_postfix_stressed, "... Postfix's flag is no news");
    state.services[0].is_postfix_stressed = false;
    stress_monitor_set_published(monitor, &state);
    stress_monitor_read(monitor, 0, -1, true, now_ms, &reading);
    ok(reading.pressure.is_postfix_stressed, "... unless it does not know it yet");
    state.services[0].level_source = LEVEL_BY_OVERRIDE;
    stress_monitor_set_published(monitor, &state);
    ok(read_service(monitor, 0).level == LEVEL_CALM, "what was forced there is over here");
    state.services[0].level = LEVEL_ELEVATED;
    state.services[0].level_source = LEVEL_BY_CLUSTER;
    stress_monitor_set_published(monitor, &state);
    reading = read_service(monitor, 0);
    ok(reading.level == LEVEL_ELEVATED && reading.source == LEVEL_BY_CLUSTER,
       "what other hosts call for counts");

    stress_monitor_close(monitor);
    config_free(config);
}

static void test_spawned_alone(struct server *smtp)
{
    struct config *config = load("{\"services\": [{\"name\": \"smtp\", \"port\": %d,"
                                 " \"slot_limit\": 5}]}",
                                 smtp->port);
    struct stress_monitor *monitor =
        stress_monitor_open(config, STRESS_MONITOR_SPAWNED, now_ms);
    server_connect(smtp, 3);
    server_accept(smtp, 3);
    struct stress_reading reading = read_service(monitor, 0);
    ok(reading.pressure.busy == 3 && reading.level == LEVEL_CALM,
       "spawned: nobody publishes, the kernel counts: %d", reading.pressure.busy);
    now_ms += 1000;
    server_connect(smtp, 2);
    server_accept(smtp, 2);
    read_service(monitor, 0);
    now_ms += 1000;
    ok(read_service(monitor, 0).level == LEVEL_CRITICAL, "... and levels are its own");
    server_clear(smtp);
    stress_monitor_close(monitor);
    stress_monitor_close(NULL);
    config_free(config);
}

int main(void)
{
    struct server smtp = {.port = 0}, submission = {.port = 0};
    bed_begin(&smtp, &submission);
    test_published(&smtp, &submission);
    test_spawned(&smtp);
    test_spawned_alone(&smtp);
    return bed_end(&smtp, &submission);
}
