/*
 * level_event - what the publisher of a host tells the world when something changes: a line in
 * the stream PREFIXevents and a message on the channel PREFIXlevel (doc/redis.md). Pure.
 */
#ifndef POSTVALVE_COMMON_LEVEL_EVENT_H
#define POSTVALVE_COMMON_LEVEL_EVENT_H

#include "common/host_state.h"
#include "common/level.h"
#include "common/redis_command.h"
#include "common/sensor.h"
#include "common/slice.h"

#include <stddef.h>

#define EVENTS_MAX 10000 /* kept in the stream, about */

/* A change of the level of a service. */
struct level_change {
    char service[SERVICE_NAME_SIZE];
    enum level from, to;
    enum level_source source; /* of the new level */
    double pressure;
    enum sensor driver;
};

/* XADD and PUBLISH: two commands, two replies. */
void level_event_command(struct redis_command *command, const char *prefix, const char *host,
                         const struct level_change *change);
#define LEVEL_EVENT_COMMAND_SIZE 1024

/* XADD alone, of any event: type, then pairs of names and values. Overrides, hand-over: type
 * "override": host ("*": all), action, level, until, by, note; type "publisher": host, from,
 * to. */
void event_command(struct redis_command *command, const char *prefix, const char *type,
                   const struct redis_field *fields, size_t count);
/* PUBLISH: who hears it reads the overrides at once. */
void override_announce_command(struct redis_command *command, const char *prefix,
                               const char *host);

#endif
