/* The monitor against real connections; the clock is ours, so nothing is waited for but the
 * kernel and postconf(1). */
#include "t/unit/stress_bed.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static bool next_change_is(struct stress_monitor *monitor, enum level from, enum level to)
{
    struct level_change change;
    return stress_monitor_next_change(monitor, &change) && change.from == from &&
           change.to == to;
}

static void test_levels(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct level_change change;
    ok(stress_monitor_service_count(monitor) == 2, "two services");
    ok(stress_monitor_find(monitor, smtp->port) == 0 &&
           stress_monitor_find(monitor, submission->port) == 1,
       "found by port");
    ok(stress_monitor_find(monitor, 1) == STRESS_MONITOR_NO_SERVICE, "no service");
    tick_for(monitor, NULL, 1000);
    struct stress_reading reading = read_service(monitor, 0);
    ok(reading.pressure.is_known && reading.pressure.slot_limit == SLOTS &&
           reading.level == LEVEL_CALM,
       "calm");
    ok(!stress_monitor_next_change(monitor, &change), "no change");

    server_connect(smtp, SLOTS + 3);
    server_accept(smtp, SLOTS);
    server_connect(submission, 2);
    server_accept(submission, 2);
    int64_t full_ms = now_ms;
    tick_for(monitor, NULL, 350);
    reading = read_service(monitor, 0);
    ok(reading.level == LEVEL_CRITICAL && reading.pressure.busy == SLOTS &&
           reading.pressure.waiting == 3,
       "critical: %d busy, %d waiting", reading.pressure.busy, reading.pressure.waiting);
    ok(next_change_is(monitor, LEVEL_CALM, LEVEL_CRITICAL), "one change, from calm");
    struct host_state state;
    stress_monitor_describe(monitor, full_ms + 300, &state);
    ok(state.services[0].level == LEVEL_CRITICAL, "within 300 ms");
    ok(read_service(monitor, 1).level == LEVEL_CALM, "the other service is calm");

    server_clear(smtp);
    now_ms += 60;
    tick_for(monitor, NULL, 29800);
    ok(read_service(monitor, 0).level == LEVEL_CRITICAL, "held");
    tick_for(monitor, NULL, 1000);
    ok(read_service(monitor, 0).level == LEVEL_CALM, "and let go");
    ok(next_change_is(monitor, LEVEL_CRITICAL, LEVEL_CALM), "one change");
    server_clear(submission);
    stress_monitor_close(monitor);
    config_free(config);
}

static void test_hint(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct stress_reading reading;
    stress_monitor_read(monitor, 1, -1, true, now_ms, &reading);
    ok(reading.pressure.is_postfix_stressed && reading.level == LEVEL_CALM, "Postfix says so");
    now_ms += 200;
    stress_monitor_read(monitor, 1, -1, false, now_ms, &reading);
    ok(reading.level == LEVEL_STRESSED, "and the level follows");
    ok(read_service(monitor, 0).level == LEVEL_CALM, "of that service");
    for (int i = 0; i < 20; i++)
        stress_monitor_note_session_end(monitor, 0, SESSION_SILENT, now_ms);
    struct sensor_values values;
    double called[SENSOR_COUNT];
    read_service(monitor, 0);
    ok(stress_monitor_sensors(monitor, 0, &values, called) && values.sessions_seen == 20,
       "sessions are counted");
    stress_monitor_read(monitor, 7, -1, true, now_ms, &reading);
    ok(!reading.pressure.is_known && reading.level == LEVEL_CALM,
       "a service that there is not is calm");
    stress_monitor_add_sessions(monitor, 7, 1);
    stress_monitor_add_sessions(monitor, 7, -1);
    stress_monitor_note_session_end(monitor, 7, SESSION_LOST, now_ms);
    ok(!stress_monitor_sensors(monitor, 7, &values, called), "... and has no sensors");
    stress_monitor_close(monitor);
    config_free(config);
}

static struct stress_reading read_exact(struct stress_monitor *monitor, int busy)
{
    struct stress_reading reading;
    stress_monitor_read(monitor, 0, busy, false, now_ms, &reading);
    return reading;
}

/* Counts of a milter that was started when sessions were there already. */
static void test_exact(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    server_connect(smtp, 3);
    server_accept(smtp, 3);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    int busy[2] = {-1, -1};
    tick_for(monitor, busy, 300);
    server_connect(smtp, 1);
    server_accept(smtp, 1);
    struct stress_reading reading = read_exact(monitor, 1);
    is_number(reading.pressure.busy, 4, "one session, and three from before");
    is_number(read_exact(monitor, 2).pressure.busy, 5, "another");
    busy[0] = 1;
    tick_for(monitor, busy, 300);
    reading = read_exact(monitor, 1);
    ok(reading.pressure.busy == 4 && reading.own_level == LEVEL_CRITICAL,
       "they count, with the clock");
    ok(read_service(monitor, 1).pressure.is_known, "nobody counts the other service but we");
    busy[0] = 2;
    stress_monitor_tick(monitor, busy, now_ms);
    busy[0] = 1;
    now_ms += 100;
    stress_monitor_tick(monitor, busy, now_ms);
    is_number(read_exact(monitor, 1).pressure.busy, 4,
              "... whose end we hear of a moment late");
    server_clear(smtp);
    tick_for(monitor, busy, 300);
    is_number(read_exact(monitor, 2).pressure.busy, 2, "those from before are over");
    server_connect(smtp, 5);
    server_accept(smtp, 2);
    is_number(read_exact(monitor, 2).pressure.waiting, 0, "who waits is not asked for now");
    tick_for(monitor, busy, 50);
    is_number(read_exact(monitor, 2).pressure.waiting, 3, "... but by the clock");
    server_clear(smtp);
    stress_monitor_close(monitor);
    config_free(config);
}

static atomic_bool is_slow, is_asking;

/* In place of the C library's: the monitor looks whether Postfix's files have changed. */
int stat(const char *restrict path, struct stat *restrict status)
{
    for (int i = 0; i < 5000 && atomic_load(&is_slow); i++) {
        atomic_store(&is_asking, true);
        poll(NULL, 0, 1);
    }
    atomic_store(&is_asking, false);
    return fstatat(AT_FDCWD, path, status, 0);
}

static void *tick(void *context)
{
    stress_monitor_tick(context, NULL, now_ms + 2000);
    return NULL;
}

static void test_slow_machine(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct host_state state;
    pthread_t thread;
    atomic_store(&is_slow, true);
    pthread_create(&thread, NULL, tick, monitor);
    while (!atomic_load(&is_asking))
        poll(NULL, 0, 1);
    is_number(read_exact(monitor, SLOTS).pressure.busy, SLOTS, "who counts himself");
    stress_monitor_note_session_end(monitor, 0, SESSION_LOST, now_ms);
    stress_monitor_describe(monitor, now_ms, &state);
    ok(stress_monitor_find(monitor, smtp->port) == 0 && atomic_load(&is_asking),
       "... does not wait for a tick that takes long");
    atomic_store(&is_slow, false);
    pthread_join(thread, NULL);
    stress_monitor_close(monitor);
    config_free(config);
}

/* Who asks at CONNECT has a slot, though he came after the connections were counted. */
static void test_arrivals(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    server_connect(smtp, 2);
    server_accept(smtp, 2);
    tick_for(monitor, NULL, 1000);
    is_number(read_service(monitor, 0).pressure.busy, 2, "two");
    server_connect(smtp, 1);
    server_accept(smtp, 1);
    stress_monitor_add_sessions(monitor, 0, 1);
    is_number(read_service(monitor, 0).pressure.busy, 3, "the third asks");
    stress_monitor_add_sessions(monitor, 0, -1);
    stress_monitor_add_sessions(monitor, 0, -1);
    is_number(read_service(monitor, 0).pressure.busy, 2, "and is hung up on, once");
    stress_monitor_add_sessions(monitor, 0, 1);
    now_ms += 1000;
    is_number(read_service(monitor, 0).pressure.busy, 3, "counted, it is not added");
    server_clear(smtp);
    stress_monitor_close(monitor);
    config_free(config);
}

/* Connections come just after they were counted: nobody waits until they are again. */
static void test_moving(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct sensor_values values;
    double called[SENSOR_COUNT];
    tick_for(monitor, NULL, 1000);
    now_ms += 1000;
    stress_monitor_tick(monitor, NULL, now_ms);
    server_connect(smtp, SLOTS);
    server_accept(smtp, SLOTS);
    for (int i = 0; i < 2; i++) {
        now_ms += 50;
        stress_monitor_tick(monitor, NULL, now_ms);
    }
    stress_monitor_sensors(monitor, 0, &values, called);
    is_number(values.busy, SLOTS, "they are counted with the next ticks");
    tick_for(monitor, NULL, 160);
    ok(read_service(monitor, 0).level == LEVEL_CRITICAL, "and critical");
    server_clear(smtp);
    stress_monitor_close(monitor);
    config_free(config);
}

static void test_forced(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct override_effect effect = {.is_level_forced = true,
                                     .level = LEVEL_STRESSED,
                                     .level_until_s = REDIS_MS / 1000 + 60,
                                     .is_off = true,
                                     .off_until_s = REDIS_MS / 1000 + 10};
    struct override_effect none = {.is_off = false};
    stress_monitor_set_override(monitor, &effect, REDIS_MS, now_ms);
    struct stress_reading reading = read_service(monitor, 0);
    ok(reading.level == LEVEL_STRESSED && reading.is_level_forced &&
           reading.own_level == LEVEL_CALM && reading.source == LEVEL_BY_OVERRIDE,
       "a forced level, at once");
    ok(read_service(monitor, 1).level == LEVEL_STRESSED, "for all services");
    ok(reading.is_off, "switched off");
    ok(next_change_is(monitor, LEVEL_CALM, LEVEL_STRESSED), "a change");
    now_ms += 10000;
    reading = read_service(monitor, 0);
    ok(!reading.is_off && reading.is_level_forced, "on again by itself");
    now_ms += 50000;
    reading = read_service(monitor, 0);
    ok(!reading.is_level_forced && reading.level == LEVEL_CALM, "the level too");
    stress_monitor_set_override(monitor, &effect, REDIS_MS, now_ms);
    stress_monitor_set_override(monitor, &none, REDIS_MS, now_ms);
    reading = read_service(monitor, 0);
    ok(!reading.is_level_forced && !reading.is_off, "taken back");
    stress_monitor_set_override(monitor, &effect, 0, now_ms);
    now_ms += 3600000;
    ok(read_service(monitor, 0).is_off, "until the next call");
    stress_monitor_set_override(monitor, &none, 0, now_ms);

    struct cluster_summary summary = {.hosts = 3, .stressed = 2, .highest = LEVEL_CRITICAL};
    stress_monitor_set_cluster(monitor, &summary, now_ms);
    reading = read_service(monitor, 0);
    ok(reading.level == LEVEL_ELEVATED && reading.source == LEVEL_BY_CLUSTER &&
           !reading.is_level_forced,
       "elevated because of others");
    now_ms += HOST_STATE_LEASE_MS;
    tick_for(monitor, NULL, 50);
    ok(read_service(monitor, 0).level == LEVEL_CALM, "forgotten when nobody is heard");
    stress_monitor_close(monitor);
    config_free(config);
}

static void test_reload(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    server_connect(submission, 10);
    server_accept(submission, 10);
    tick_for(monitor, NULL, 400);
    ok(read_service(monitor, 1).level == LEVEL_CRITICAL, "critical");
    struct config *other = load("{\"services\": [{\"name\": \"mail\", \"port\": %d,"
                                " \"slot_limit\": 20, \"postfix_config_directory\":"
                                " \"%s\"}]}",
                                submission->port, directory);
    stress_monitor_reload(monitor, other, now_ms);
    config_free(config);
    ok(stress_monitor_service_count(monitor) == 1 &&
           stress_monitor_find(monitor, submission->port) == 0 &&
           stress_monitor_find(monitor, smtp->port) == STRESS_MONITOR_NO_SERVICE,
       "other services");
    ok(read_service(monitor, 0).level == LEVEL_CRITICAL, "a level outlives a reload");
    int limit = 0;
    for (int i = 0; i < 500 && limit != 20; i++) {
        now_ms += 1000;
        stress_monitor_tick(monitor, NULL, now_ms);
        limit = read_service(monitor, 0).pressure.slot_limit;
        poll(NULL, 0, 5);
    }
    ok(limit == 20, "the new slot limit comes with a tick");
    server_clear(submission);
    stress_monitor_close(monitor);
    config_free(other);
}

/* The limit changes in master.cf, and nobody tells us. */
static void test_master_cf(struct server *smtp)
{
    char line[128];
    snprintf(line, sizeof(line), "%d inet n - n - 7 smtpd\n", smtp->port);
    write_file("master.cf", line, 1700000000);
    struct config *config =
        load("{\"services\": [{\"port\": %d, \"postfix_config_directory\": \"%s\"}]}",
             smtp->port, directory);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    is_number(read_service(monitor, 0).pressure.slot_limit, 7, "as in master.cf");

    snprintf(line, sizeof(line), "%d inet n - n - 0 smtpd\n", smtp->port);
    write_file("master.cf", line, 1700000100);
    for (int i = 0; i < 20; i++) {
        now_ms += 1000;
        stress_monitor_tick(monitor, NULL, now_ms);
        poll(NULL, 0, 5);
    }
    is_number(read_service(monitor, 0).pressure.slot_limit, 7, "a limit of none is not taken");
    snprintf(line, sizeof(line), "%d inet n - n - 9 smtpd\n", smtp->port);
    write_file("master.cf", line, 1700000200);
    int limit = 0;
    for (int i = 0; i < 500 && limit != 9; i++) {
        now_ms += 1000;
        stress_monitor_tick(monitor, NULL, now_ms);
        limit = read_service(monitor, 0).pressure.slot_limit;
        poll(NULL, 0, 5);
    }
    is_number(limit, 9, "another limit is");
    stress_monitor_close(monitor);
    config_free(config);
}

struct thread_job {
    struct stress_monitor *monitor;
    const struct config *config;
    int number;
};

static void *work(void *context)
{
    const struct thread_job *job = context;
    for (int i = 0; i < 200; i++) {
        int64_t time_ms = now_ms + i * 10;
        struct stress_reading reading;
        struct host_state state;
        struct level_change change;
        const struct cluster_summary summary = {.hosts = 2, .stressed = i % 3};
        const struct override_effect effect = {.is_off = i % 2 == 0};
        stress_monitor_read(job->monitor, (size_t)(i % 3), i % 5 - 1, i % 7 == 0, time_ms,
                            &reading);
        stress_monitor_note_session_end(job->monitor, 0, SESSION_LOST, time_ms);
        if (job->number == 0)
            stress_monitor_tick(job->monitor, NULL, time_ms);
        if (job->number == 1 && i % 50 == 0)
            stress_monitor_reload(job->monitor, job->config, time_ms);
        stress_monitor_set_cluster(job->monitor, &summary, time_ms);
        stress_monitor_set_override(job->monitor, &effect, REDIS_MS, time_ms);
        stress_monitor_describe(job->monitor, time_ms, &state);
        stress_monitor_next_change(job->monitor, &change);
    }
    return NULL;
}

static void test_threads(struct server *smtp, struct server *submission)
{
    struct config *config = load_two(smtp, submission);
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    pthread_t threads[4];
    struct thread_job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct thread_job){monitor, config, i};
        pthread_create(&threads[i], NULL, work, &jobs[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ok(stress_monitor_service_count(monitor) == 2, "four threads at once");
    stress_monitor_close(monitor);
    config_free(config);
}

int main(void)
{
    struct server smtp = {.port = 0}, submission = {.port = 0};
    bed_begin(&smtp, &submission);
    test_levels(&smtp, &submission);
    test_hint(&smtp, &submission);
    test_exact(&smtp, &submission);
    test_slow_machine(&smtp, &submission);
    test_arrivals(&smtp, &submission);
    test_moving(&smtp, &submission);
    test_forced(&smtp, &submission);
    test_reload(&smtp, &submission);
    test_master_cf(&smtp);
    test_threads(&smtp, &submission);
    return bed_end(&smtp, &submission);
}
