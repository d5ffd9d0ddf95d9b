#include "view/metrics_view.h"

#include "common/redis_keys.h"
#include "view/redis_clock.h"

#define MINUTES_AT_ONCE 60
#define COMMAND_SIZE    (MINUTES_AT_ONCE * (REDIS_KEY_SIZE + 64))

struct reading {
    struct counter_snapshot *snapshot;
    enum counter_process skipped;
};

static void take_hash(void *context, size_t index, const struct redis_reply *reply)
{
    const struct reading *reading = context;
    const struct redis_reply *item = redis_reply_first(reply);
    (void)index;
    for (uint32_t i = 0; i + 1 < reply->count; i += 2) {
        struct redis_field field = {.name = item->text};
        item = redis_reply_next(item);
        field.value = item->text;
        item = redis_reply_next(item);
        counter_snapshot_add(reading->snapshot, &field, reading->skipped);
    }
}

bool metrics_view_read(struct redis_session *session, const char *host,
                       enum counter_process skipped, struct counter_snapshot *snapshot,
                       struct error *error)
{
    char buffer[(1 + COUNTER_PROCESS_COUNT) * (REDIS_KEY_SIZE + 64)];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    struct reading reading = {snapshot, skipped};
    redis_key_total(&key, session->prefix, host);
    redis_command_read_hash(&command, redis_key_slice(&key));
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++) {
        redis_key_gauge(&key, session->prefix, host,
                        counter_process_name((enum counter_process)process));
        redis_command_read_hash(&command, redis_key_slice(&key));
    }
    return redis_session_ask(session, &command, 1 + COUNTER_PROCESS_COUNT, take_hash, &reading,
                             error);
}

bool metrics_view_read_minutes(struct redis_session *session, const char *host, int64_t minutes,
                               struct counter_snapshot *snapshot, struct error *error)
{
    struct reading reading = {snapshot, COUNTER_PROCESS_COUNT};
    int64_t now_s;
    if (!redis_clock_read(session, &now_s, error))
        return false;
    for (int64_t done = 0; done < minutes;) {
        char buffer[COMMAND_SIZE];
        struct redis_command command = REDIS_COMMAND(buffer);
        size_t count = 0;
        for (; count < MINUTES_AT_ONCE && done < minutes; count++, done++) {
            struct redis_key key;
            redis_key_stats(&key, session->prefix, host, now_s / 60 - done);
            redis_command_read_hash(&command, redis_key_slice(&key));
        }
        if (!redis_session_ask(session, &command, count, take_hash, &reading, error))
            return false;
    }
    return true;
}
