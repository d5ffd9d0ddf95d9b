/*
 * pressure_history - the pressure of a host over the last hour: PREFIXhistory:HOST
 * (doc/redis.md), a stream with a sample every few seconds. Pure.
 *
 * A sample is the worst moment since the one before, so that a short peak is not lost. Whoever
 * publishes the state of the host writes it.
 */
#ifndef POSTVALVE_COMMON_PRESSURE_HISTORY_H
#define POSTVALVE_COMMON_PRESSURE_HISTORY_H

#include "common/redis_command.h"
#include "common/service_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRESSURE_HISTORY_MS       5000 /* between two samples */
#define PRESSURE_HISTORY_MAX      800  /* samples kept, about: more than an hour */
#define PRESSURE_HISTORY_EXPIRE_S 7200

/* Start value: all zero. */
struct pressure_history {
    struct service_state worst; /* since the last sample */
    int64_t due_ms;             /* 0: worst is not set */
};

/* Takes a moment into account; true: the sample is to be written now. now_ms: monotonic. */
bool pressure_history_note(struct pressure_history *history,
                           const struct service_state *service, int64_t now_ms);
/* XADD and EXPIRE; the next sample begins. Returns how many commands, and replies, that is. */
size_t pressure_history_command(struct pressure_history *history, struct redis_command *command,
                                const char *prefix, const char *host);
#define PRESSURE_HISTORY_COMMAND_SIZE 1024

#endif
