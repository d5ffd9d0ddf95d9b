/*
 * sensor_read - one reading of the stress monitor as text, for tests and for a look at a live
 * system.
 *
 *   sensor_read CONFIG_DIRECTORY SERVICE_NAME PORT
 *   limit=5 known=1 busy=4 waiting=7 slots=0.80 pressure=2.20 backlog_limit=100 netlink=1
 */
#include "common/error_list.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/sock_diag.h"
#include "host/stress_monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static struct config *make_config(char **arguments)
{
    struct error_list errors;
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"services\": [{\"postfix_config_directory\": \"%s\", \"name\": \"%s\", "
             "\"port\": %s}]}",
             arguments[0], arguments[1], arguments[2]);
    error_list_init(&errors);
    struct config *config = config_load_text("sensor_read", text, strlen(text), &errors);
    error_list_print(&errors, "sensor_read", stderr);
    return config;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s CONFIG_DIRECTORY SERVICE_NAME PORT\n", argv[0]);
        return EX_USAGE;
    }
    log_open("sensor_read", LOG_TARGET_STDERR, true);
    struct config *config = make_config(argv + 1);
    if (!config)
        return EX_USAGE;
    int64_t now_ms = clock_monotonic_ms();
    struct stress_monitor *monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, now_ms);
    struct sock_diag *diag = sock_diag_open((uint16_t)config->services.items[0].port);
    struct stress_reading reading;
    struct sensor_values values;
    double called[SENSOR_COUNT];
    stress_monitor_read(monitor, 0, -1, false, now_ms, &reading);
    stress_monitor_sensors(monitor, 0, &values, called);
    const struct pressure *pressure = &reading.pressure;
    printf("limit=%d known=%d busy=%d waiting=%d slots=%.2f pressure=%.2f backlog_limit=%d "
           "netlink=%d\n",
           pressure->slot_limit, pressure->is_known, pressure->busy, pressure->waiting,
           pressure->slots, pressure->value, values.backlog_limit,
           sock_diag_uses_netlink(diag));
    sock_diag_close(diag);
    stress_monitor_close(monitor);
    config_free(config);
    return 0;
}
