#include "view/metrics_view.h"

#include "common/redis_keys.h"
#include "view/minutes_view.h"

struct reading {
    struct counter_snapshot *snapshot;
    enum counter_process skipped;
};

static void take_field(void *context, const struct redis_field *field)
{
    const struct reading *reading = context;
    counter_snapshot_add(reading->snapshot, field, reading->skipped);
}

static void take_hash(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    minutes_view_each(reply, SIZE_MAX, take_field, context);
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
    return minutes_view_read(session, host, minutes, SIZE_MAX, take_field, &reading, &now_s,
                             error);
}
