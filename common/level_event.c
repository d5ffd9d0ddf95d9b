#include "common/level_event.h"

#include "common/redis_keys.h"

#include <stdio.h>

#define TEXT(value)  TEXT_(value)
#define TEXT_(value) #value

void event_command(struct redis_command *command, const char *prefix, const char *type,
                   const struct redis_field *fields, size_t count)
{
    struct redis_key key;
    redis_key_events(&key, prefix);
    redis_command_begin(command, 8 + 2 * count);
    redis_command_add(command, SLICE_LITERAL("XADD"));
    redis_command_add(command, redis_key_slice(&key));
    redis_command_add(command, SLICE_LITERAL("MAXLEN"));
    redis_command_add(command, SLICE_LITERAL("~"));
    redis_command_add(command, SLICE_LITERAL(TEXT(EVENTS_MAX)));
    redis_command_add(command, SLICE_LITERAL("*"));
    redis_command_add(command, SLICE_LITERAL("type"));
    redis_command_add(command, slice_from_string(type));
    for (size_t i = 0; i < count; i++) {
        redis_command_add(command, fields[i].name);
        redis_command_add(command, fields[i].value);
    }
}

static void publish(struct redis_command *command, const char *prefix, struct slice message)
{
    struct redis_key channel;
    redis_key_level_channel(&channel, prefix);
    redis_command_begin(command, 3);
    redis_command_add(command, SLICE_LITERAL("PUBLISH"));
    redis_command_add(command, redis_key_slice(&channel));
    redis_command_add(command, message);
}

void level_event_command(struct redis_command *command, const char *prefix, const char *host,
                         const struct level_change *change)
{
    char pressure[24], message[512];
    const char *to = level_name(change->to);
    snprintf(pressure, sizeof(pressure), "%.2f", change->pressure);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("host"), slice_from_string(host)},
        {SLICE_LITERAL("service"), slice_from_string(change->service)},
        {SLICE_LITERAL("from"), slice_from_string(level_name(change->from))},
        {SLICE_LITERAL("to"), slice_from_string(to)},
        {SLICE_LITERAL("source"), slice_from_string(level_source_name(change->source))},
        {SLICE_LITERAL("pressure"), slice_from_string(pressure)},
        {SLICE_LITERAL("driver"), slice_from_string(sensor_name(change->driver))},
    };
    event_command(command, prefix, "level", fields, sizeof(fields) / sizeof(fields[0]));
    snprintf(message, sizeof(message), "level %s %s %s", host, change->service, to);
    publish(command, prefix, slice_from_string(message));
}

void override_announce_command(struct redis_command *command, const char *prefix,
                               const char *host)
{
    char message[512];
    snprintf(message, sizeof(message), "override %s", host);
    publish(command, prefix, slice_from_string(message));
}

void level_change_push(struct level_change_queue *queue, const struct level_change *change)
{
    if (queue->count == LEVEL_CHANGES_MAX) {
        queue->first = (queue->first + 1) % LEVEL_CHANGES_MAX;
        queue->count--;
    }
    queue->changes[(queue->first + queue->count++) % LEVEL_CHANGES_MAX] = *change;
}

bool level_change_pop(struct level_change_queue *queue, struct level_change *change_r)
{
    if (queue->count == 0)
        return false;
    *change_r = queue->changes[queue->first];
    queue->first = (queue->first + 1) % LEVEL_CHANGES_MAX;
    queue->count--;
    return true;
}
