#include "view/redis_clock.h"

#include "common/number.h"

static void take_time(void *context, size_t index, const struct redis_reply *reply)
{
    int64_t *now_s = context;
    const struct redis_reply *seconds = redis_reply_item(reply, 0);
    (void)index;
    if (seconds)
        number_parse(seconds->text, INT64_MAX / 1000000, now_s);
}

bool redis_clock_read(struct redis_session *session, int64_t *now_s_r, struct error *error)
{
    char buffer[32];
    struct redis_command command = REDIS_COMMAND(buffer);
    *now_s_r = 0;
    redis_command_begin(&command, 1);
    redis_command_add(&command, SLICE_LITERAL("TIME"));
    if (!redis_session_ask(session, &command, 1, take_time, now_s_r, error))
        return false;
    return *now_s_r > 0 || error_set(error, "Redis does not tell its time");
}
