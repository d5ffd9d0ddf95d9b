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

#include <stdbool.h>
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

/* Changes that wait to be told. Start value: all zero. */
#define LEVEL_CHANGES_MAX 64
struct level_change_queue {
    size_t first, count;
    struct level_change changes[LEVEL_CHANGES_MAX];
};
/* A full queue drops its oldest. */
void level_change_push(struct level_change_queue *queue, const struct level_change *change);
/* The oldest; false: none. */
bool level_change_pop(struct level_change_queue *queue, struct level_change *change_r);

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
