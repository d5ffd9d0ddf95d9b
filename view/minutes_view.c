#include "view/minutes_view.h"

#include "common/redis_keys.h"
#include "view/redis_clock.h"

#define MINUTES_AT_ONCE 60
#define COMMAND_SIZE    (MINUTES_AT_ONCE * (REDIS_KEY_SIZE + 64))

struct reading {
    size_t maximum;
    minutes_view_field *callback;
    void *context;
};

void minutes_view_each(const struct redis_reply *hash, size_t maximum,
                       minutes_view_field *callback, void *context)
{
    const struct redis_reply *item = redis_reply_first(hash);
    for (uint32_t i = 0; i + 1 < hash->count && i < maximum; i += 2) {
        struct redis_field field = {.name = item->text};
        item = redis_reply_next(item);
        field.value = item->text;
        item = redis_reply_next(item);
        callback(context, &field);
    }
}

static void take_bucket(void *context, size_t index, const struct redis_reply *reply)
{
    const struct reading *reading = context;
    (void)index;
    minutes_view_each(reply, reading->maximum, reading->callback, reading->context);
}

bool minutes_view_read(struct redis_session *session, const char *host, int64_t minutes,
                       size_t maximum, minutes_view_field *callback, void *context,
                       int64_t *now_s_r, struct error *error)
{
    struct reading reading = {maximum, callback, context};
    if (!redis_clock_read(session, now_s_r, error))
        return false;
    for (int64_t done = 0; done < minutes;) {
        char buffer[COMMAND_SIZE];
        struct redis_command command = REDIS_COMMAND(buffer);
        size_t count = 0;
        for (; count < MINUTES_AT_ONCE && done < minutes; count++, done++) {
            struct redis_key key;
            redis_key_stats(&key, session->prefix, host, *now_s_r / 60 - done);
            redis_command_read_hash(&command, redis_key_slice(&key));
        }
        if (!redis_session_ask(session, &command, count, take_bucket, &reading, error))
            return false;
    }
    return true;
}
