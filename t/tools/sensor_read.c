/*
 * sensor_read - one reading of the sensor as text, for tests and for a look at a live system.
 *
 *   sensor_read CONFIG_DIRECTORY SERVICE_NAME PORT
 *   limit=5 known=1 busy=4 waiting=7 slots=0.80 pressure=2.20 backlog_limit=100 netlink=1
 */
#include "host/clock.h"
#include "host/log.h"
#include "host/pressure_source.h"
#include "host/sock_diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    struct error error = {""};
    struct pressure pressure;
    struct port_usage usage;

    if (argc != 4) {
        fprintf(stderr, "usage: %s CONFIG_DIRECTORY SERVICE_NAME PORT\n", argv[0]);
        return EX_USAGE;
    }
    long port = strtol(argv[3], NULL, 10);
    struct service_settings settings = {
        .name = argv[2],
        .port = port,
        .slot_limit = SLOT_LIMIT_AUTO,
        .postfix_config_directory = argv[1],
    };
    log_open("sensor_read", LOG_TARGET_STDERR, true);
    struct pressure_source *source = pressure_source_open(&settings, &error);
    if (!source) {
        log_error("%s", error.text);
        return EX_CONFIG;
    }
    struct sock_diag *diag = sock_diag_open((uint16_t)port);
    if (!sock_diag_read_listeners(diag, &usage, &error)) {
        log_error("%s", error.text);
        return EX_OSERR;
    }
    pressure_source_read(source, clock_monotonic_ms(), &pressure);
    printf("limit=%d known=%d busy=%d waiting=%d slots=%.2f pressure=%.2f backlog_limit=%d "
           "netlink=%d\n",
           pressure.slot_limit, pressure.is_known, pressure.busy, pressure.waiting,
           pressure.slots, pressure.value, usage.backlog_limit, sock_diag_uses_netlink(diag));
    sock_diag_close(diag);
    pressure_source_close(source);
    return 0;
}
