#include "policyd/redis_text.h"

#define TEXT_SIZE 2048 /* of a command with its text, in wire form */

struct redis_async_request *redis_text_read(struct redis_async *redis, struct slice key,
                                            redis_async_reply_callback *callback, void *context)
{
    char buffer[2 * (REDIS_KEY_SIZE + 64)];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_begin(&command, 2);
    redis_command_add(&command, SLICE_LITERAL("PTTL"));
    redis_command_add(&command, key);
    redis_command_read_text(&command, key);
    return redis_async_send(redis, REDIS_USE_READ, &command, 2, callback, context);
}

static void ignore(void *context, size_t index, const struct redis_reply *reply)
{
    (void)context;
    (void)index;
    (void)reply;
}

bool redis_write_command(struct redis_async *redis, const struct redis_command *command)
{
    return redis_async_send(redis, REDIS_USE_WRITE, command, 1, ignore, NULL) != NULL;
}

bool redis_text_write(struct redis_async *redis, struct slice key, struct slice text,
                      int64_t expire_s)
{
    char buffer[TEXT_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_write_text(&command, key, text, expire_s);
    return redis_write_command(redis, &command);
}
