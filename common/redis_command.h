/*
 * redis_command - Redis commands in wire form (RESP2), written into a buffer of the caller.
 * Pure.
 *
 * A command that does not fit leaves the buffer marked as overflown; nothing is written beyond
 * it. Several commands may follow each other: a pipeline.
 */
#ifndef POSTVALVE_COMMON_REDIS_COMMAND_H
#define POSTVALVE_COMMON_REDIS_COMMAND_H

#include "common/client_record.h"
#include "common/redis_keys.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One field of a hash. */
struct redis_field {
    struct slice name, value;
};

struct redis_command {
    char *data;
    size_t length, size;
    bool is_overflown;
};

#define REDIS_COMMAND(buffer) ((struct redis_command){(buffer), 0, sizeof(buffer), false})

/* The command with its count of arguments (name included), then each argument. */
void redis_command_begin(struct redis_command *command, size_t argument_count);
void redis_command_add(struct redis_command *command, struct slice argument);

void redis_command_read_hash(struct redis_command *command, struct slice key);
void redis_command_read_text(struct redis_command *command, struct slice key);
/* SET; expire_s 0: only where there is a value, which keeps its expiry. */
void redis_command_write_text(struct redis_command *command, struct slice key,
                              struct slice text, int64_t expire_s);
/* HSET and EXPIRE: two commands, two replies. */
void redis_command_write_hash(struct redis_command *command, struct slice key,
                              const struct redis_field *fields, size_t count, int64_t expire_s);
/* client_record_script for one client: EVALSHA when digest has text, else EVAL. */
void redis_command_update_client(struct redis_command *command, struct slice digest,
                                 struct slice key, const struct session_outcome *outcome,
                                 int64_t expire_s);
/* Bytes that redis_command_update_client() takes at most, with a digest and without. */
#define REDIS_COMMAND_UPDATE_SIZE                                                              \
    (128 + REDIS_KEY_SIZE + CLIENT_RECORD_ARGUMENTS * (CLIENT_RECORD_ARGUMENT_SIZE + 8))
#define REDIS_COMMAND_SCRIPT_SIZE (REDIS_COMMAND_UPDATE_SIZE + 2048)

#endif
