#include "milter/host_record.h"

#include "common/redis_command.h"
#include "host/clock.h"
#include "host/hostname.h"
#include "milter/history.h"

#include <inttypes.h>
#include <stdio.h>

#define VALUE_SIZE 24

void host_record_publish(struct milter *milter, const struct config *config,
                         const struct pressure *pressure, enum level level, int sessions,
                         int64_t lease_s)
{
    char host[HOSTNAME_SIZE];
    char value[VALUE_SIZE], busy[VALUE_SIZE], waiting[VALUE_SIZE], slot_limit[VALUE_SIZE];
    char session_count[VALUE_SIZE], updated[VALUE_SIZE];
    hostname_get(config->host, host);
    snprintf(value, VALUE_SIZE, "%.2f", pressure->value);
    snprintf(busy, VALUE_SIZE, "%d", pressure->busy);
    snprintf(waiting, VALUE_SIZE, "%d", pressure->waiting);
    snprintf(slot_limit, VALUE_SIZE, "%d", pressure->slot_limit);
    snprintf(session_count, VALUE_SIZE, "%d", sessions);
    snprintf(updated, VALUE_SIZE, "%" PRId64, clock_wall_s());

    const char *stress = pressure->is_postfix_stressed ? "yes" : "no";
    const struct redis_field fields[] = {
        {SLICE_LITERAL("publisher"),      SLICE_LITERAL("milter")             },
        {SLICE_LITERAL("level"),          slice_from_string(level_name(level))},
        {SLICE_LITERAL("pressure"),       slice_from_string(value)            },
        {SLICE_LITERAL("busy"),           slice_from_string(busy)             },
        {SLICE_LITERAL("waiting"),        slice_from_string(waiting)          },
        {SLICE_LITERAL("slot_limit"),     slice_from_string(slot_limit)       },
        {SLICE_LITERAL("postfix_stress"), slice_from_string(stress)           },
        {SLICE_LITERAL("sessions"),       slice_from_string(session_count)    },
        {SLICE_LITERAL("updated"),        slice_from_string(updated)          },
    };
    history_publish_host(milter->history, host, fields, sizeof(fields) / sizeof(fields[0]),
                         lease_s);
}
