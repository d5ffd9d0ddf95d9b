/* The settings of a service: a row each. See settings_table.c. */
#include "common/settings.h"

_Static_assert(sizeof(struct service_list) == sizeof(struct object_list) &&
                   offsetof(struct service_list, count) == offsetof(struct object_list, count),
               "a list of objects");

#define ROW(key, type, field, ...)                                                             \
    {                                                                                          \
        key, type, offsetof(struct service_settings, field), __VA_ARGS__                       \
    }

static const struct setting rows[] = {
    ROW("name", SETTING_STRING, name, .minimum = 1, .maximum = 64, .characters = "._-:[]",
        .inherits = "service.name",
        .help = "First column of the service's line in master.cf, and its name in status, log "
                "and Redis. Its process limit is the number of slots where no inet service is "
                "found on the port."),
    ROW("port", SETTING_INTEGER, port, .minimum = 1, .maximum = 65535,
        .inherits = "service.port",
        .help = "TCP port: the sensor counts its connections and the clients that wait for a "
                "slot; the inet service on this port in master.cf gives the number of slots."),
    ROW("slot_limit", SETTING_SLOT_LIMIT, slot_limit, .minimum = 1, .maximum = 100000,
        .inherits = "service.slot_limit",
        .help = "Number of slots. \"auto\" asks postconf(1), so that master.cf stays the only "
                "place where the limit is written; again when it changes."),
    ROW("postfix_config_directory", SETTING_PATH, postfix_config_directory, .minimum = 1,
        .maximum = 4095, .inherits = "service.postfix_config_directory",
        .help = "Where main.cf and master.cf of the service's Postfix are."),
    ROW("level.elevated", SETTING_NUMBER, level.threshold[LEVEL_ELEVATED], .minimum = 0.01,
        .maximum = 10, .inherits = "level.elevated", .help = "As level.elevated."),
    ROW("level.stressed", SETTING_NUMBER, level.threshold[LEVEL_STRESSED], .minimum = 0.01,
        .maximum = 10, .inherits = "level.stressed", .help = "As level.stressed."),
    ROW("level.critical", SETTING_NUMBER, level.threshold[LEVEL_CRITICAL], .minimum = 0.01,
        .maximum = 10, .inherits = "level.critical", .help = "As level.critical."),
    ROW("level.sustain_ms", SETTING_INTEGER, level.sustain_ms, .minimum = 0, .maximum = 60000,
        .unit = "milliseconds", .inherits = "level.sustain_ms", .help = "As level.sustain_ms."),
    ROW("level.hold_s", SETTING_INTEGER, level.hold_ms, .minimum = 0, .maximum = 3600,
        .scale = 1000, .unit = "seconds", .inherits = "level.hold_s",
        .help = "As level.hold_s."),
};

const struct setting_rows setting_rows_service = {rows, sizeof(rows) / sizeof(rows[0]),
                                                  sizeof(struct service_settings)};
