#include "view/history_view.h"

#include "common/level.h"
#include "common/number.h"
#include "common/pressure_history.h"
#include "common/redis_keys.h"
#include "common/service_state.h"
#include "view/redis_clock.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS_MAX 16

static json_t *count_or_null(int count)
{
    return count < 0 ? json_null() : json_integer(count);
}

/* "1732170000123-0", in seconds; 0: it is none. */
static double read_time(struct slice id)
{
    int64_t time_ms;
    const char *dash = id.length > 0 ? memchr(id.data, '-', id.length) : NULL;
    if (!dash ||
        !number_parse((struct slice){id.data, (size_t)(dash - id.data)}, INT64_MAX, &time_ms))
        return 0;
    return (double)time_ms / 1000;
}

static json_t *sample_json(const struct redis_reply *entry)
{
    struct redis_field fields[FIELDS_MAX];
    struct service_state service;
    const struct redis_reply *id = redis_reply_item(entry, 0);
    const struct redis_reply *content = redis_reply_item(entry, 1);
    double time_s = id ? read_time(id->text) : 0;
    if (time_s <= 0 || !content || content->type != REDIS_REPLY_IS_LIST)
        return NULL;
    service_state_init(&service);
    size_t count = redis_reply_read_fields(content, fields, FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        service_state_set_field(&service, fields[i].name, fields[i].value);
    return json_pack("[f, o, s, o, o, o]", time_s,
                     service.pressure < 0 ? json_null() : json_real(service.pressure),
                     level_name(service.level), count_or_null(service.busy),
                     count_or_null(service.waiting), count_or_null(service.slot_limit));
}

static void take_samples(void *context, size_t index, const struct redis_reply *reply)
{
    json_t *samples = context;
    (void)index;
    if (reply->type != REDIS_REPLY_IS_LIST)
        return;
    const struct redis_reply *entry = redis_reply_first(reply);
    for (uint32_t i = 0; i < reply->count; i++, entry = redis_reply_next(entry)) {
        json_t *sample = entry->type == REDIS_REPLY_IS_LIST ? sample_json(entry) : NULL;
        if (sample)
            json_array_append_new(samples, sample);
    }
}

static bool read_samples(struct redis_session *session, const char *host, int64_t from_s,
                         json_t *samples, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 128], from[32], count[16];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_history(&key, session->prefix, host);
    snprintf(from, sizeof(from), "%" PRId64 "000", from_s);
    snprintf(count, sizeof(count), "%d", 2 * PRESSURE_HISTORY_MAX);
    redis_command_begin(&command, 6);
    redis_command_add(&command, SLICE_LITERAL("XRANGE"));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, slice_from_string(from));
    redis_command_add(&command, SLICE_LITERAL("+"));
    redis_command_add(&command, SLICE_LITERAL("COUNT"));
    redis_command_add(&command, slice_from_string(count));
    return redis_session_ask(session, &command, 1, take_samples, samples, error);
}

json_t *history_view_json(struct redis_session *session, const char *host, int64_t minutes,
                          struct error *error)
{
    int64_t now_s;
    if (!redis_clock_read(session, &now_s, error))
        return NULL;
    json_t *samples = json_array();
    if (!read_samples(session, host, now_s - minutes * 60, samples, error)) {
        json_decref(samples);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:I, s:i, s:[s,s,s,s,s,s], s:o}", "host", host, "from",
                     (json_int_t)(now_s - minutes * 60), "to", (json_int_t)now_s, "interval_s",
                     PRESSURE_HISTORY_MS / 1000, "columns", "time", "pressure", "level", "busy",
                     "waiting", "slot_limit", "samples", samples);
}
