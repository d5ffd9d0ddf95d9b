/*
 * stress_watch - the stress monitor by itself: prints what changes until its input ends.
 *
 *   stress_watch CONFIG
 *   ms=123456 service=smtp level=stressed by=sensors pressure=1.20 driver=waiting known=1
 * busy=5 waiting=1 limit=5 wait_s=0.250 stress=0 flag=1                             (one line)
 *
 * ms is CLOCK_MONOTONIC. stress: Postfix's flag where it counts; flag: as it is.
 */
#include "common/error_list.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/stress_monitor.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define LINE_SIZE 512

static void format_line(struct stress_monitor *monitor, size_t index,
                        const struct service_state *service, char line[static LINE_SIZE])
{
    struct sensor_values values;
    double called[SENSOR_COUNT];
    stress_monitor_sensors(monitor, index, &values, called);
    snprintf(line, LINE_SIZE,
             "service=%s level=%s by=%s pressure=%.2f driver=%s known=%d busy=%d waiting=%d "
             "limit=%d wait_s=%.1f stress=%d flag=%d",
             service->name, level_name(service->level),
             level_source_name(service->level_source), service->pressure,
             sensor_name(service->driver), values.busy >= 0 && values.slot_limit > 0,
             values.busy, values.waiting, values.slot_limit, service->wait_s,
             values.postfix_stress, service->is_postfix_stressed);
}

static void print_changes(struct stress_monitor *monitor, int64_t now_ms)
{
    static char last[SERVICES_MAX][LINE_SIZE];
    struct host_state state;
    stress_monitor_describe(monitor, now_ms, &state);
    for (size_t i = 0; i < state.service_count; i++) {
        char line[LINE_SIZE];
        format_line(monitor, i, &state.services[i], line);
        if (strcmp(line, last[i]) != 0)
            printf("ms=%lld %s\n", (long long)now_ms, line);
        memcpy(last[i], line, sizeof(line));
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct error_list errors;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (argc != 2)
        return EX_USAGE;
    log_open("stress_watch", LOG_TARGET_STDERR, true);
    struct config *config = config_load(argv[1], &errors);
    error_list_print(&errors, "stress_watch", stderr);
    if (!config)
        return EX_CONFIG;
    struct stress_monitor *monitor =
        stress_monitor_open(config, STRESS_MONITOR_DAEMON, clock_monotonic_ms());
    for (;;) {
        int64_t now_ms = clock_monotonic_ms();
        int64_t next_ms = stress_monitor_tick(monitor, NULL, now_ms);
        print_changes(monitor, now_ms);
        if (poll(&input, 1, (int)next_ms) > 0)
            break;
    }
    stress_monitor_close(monitor);
    config_free(config);
    return EX_OK;
}
