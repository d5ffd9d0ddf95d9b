#include "common/pressure_history.h"

#include "common/redis_keys.h"

#include <stdio.h>

#define TEXT(value)  TEXT_(value)
#define TEXT_(value) #value

#define FIELDS 5

bool pressure_history_note(struct pressure_history *history,
                           const struct service_state *service, int64_t now_ms)
{
    bool is_first = history->due_ms == 0;
    if (is_first)
        history->due_ms = now_ms + PRESSURE_HISTORY_MS;
    enum level highest =
        history->worst.level > service->level ? history->worst.level : service->level;
    if (is_first || service->pressure >= history->worst.pressure)
        history->worst = *service;
    history->worst.level = highest;
    return now_ms >= history->due_ms;
}

static void add_count(struct redis_command *command, struct slice name, int count)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", count);
    redis_command_add(command, name);
    redis_command_add(command, slice_from_string(text));
}

size_t pressure_history_command(struct pressure_history *history, struct redis_command *command,
                                const char *prefix, const char *host)
{
    struct redis_key key;
    char pressure[24];
    const struct service_state *worst = &history->worst;
    snprintf(pressure, sizeof(pressure), "%.3f", worst->pressure);
    redis_key_history(&key, prefix, host);
    redis_command_begin(command, 6 + 2 * FIELDS);
    redis_command_add(command, SLICE_LITERAL("XADD"));
    redis_command_add(command, redis_key_slice(&key));
    redis_command_add(command, SLICE_LITERAL("MAXLEN"));
    redis_command_add(command, SLICE_LITERAL("~"));
    redis_command_add(command, SLICE_LITERAL(TEXT(PRESSURE_HISTORY_MAX)));
    redis_command_add(command, SLICE_LITERAL("*"));
    redis_command_add(command, SLICE_LITERAL("pressure"));
    redis_command_add(command, slice_from_string(pressure));
    redis_command_add(command, SLICE_LITERAL("level"));
    redis_command_add(command, slice_from_string(level_name(worst->level)));
    add_count(command, SLICE_LITERAL("busy"), worst->busy);
    add_count(command, SLICE_LITERAL("waiting"), worst->waiting);
    add_count(command, SLICE_LITERAL("slot_limit"), worst->slot_limit);
    redis_command_begin(command, 3);
    redis_command_add(command, SLICE_LITERAL("EXPIRE"));
    redis_command_add(command, redis_key_slice(&key));
    redis_command_add(command, SLICE_LITERAL(TEXT(PRESSURE_HISTORY_EXPIRE_S)));
    *history = (struct pressure_history){.due_ms = 0};
    return 2;
}
