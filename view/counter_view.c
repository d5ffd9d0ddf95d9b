#include "view/counter_view.h"

#include "common/number.h"
#include "common/redis_keys.h"
#include "view/redis_clock.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS_MAX   8192
#define NAME_SIZE    512
#define SUM_MAX      INT64_C(1000000000000000)
#define COMMAND_SIZE (COUNTER_VIEW_MINUTES_MAX * (REDIS_KEY_SIZE + 64))

static void add(json_t *sums, const struct redis_field *field)
{
    char name[NAME_SIZE];
    int64_t number;
    if (!slice_copy_string(field->name, name, sizeof(name)) ||
        !number_parse(field->value, SUM_MAX, &number))
        return;
    json_t *sum = json_object_get(sums, name);
    json_int_t before = json_integer_value(sum);
    json_int_t after = before > SUM_MAX - number ? SUM_MAX : before + number;
    if (sum)
        json_integer_set(sum, after);
    else
        json_object_set_new(sums, name, json_integer(after));
}

/* A name that is no UTF-8 is not taken over. */
static void take_bucket(void *context, size_t index, const struct redis_reply *reply)
{
    json_t *sums = context;
    (void)index;
    const struct redis_reply *item = redis_reply_first(reply);
    for (uint32_t i = 0; i + 1 < reply->count && i < FIELDS_MAX; i += 2) {
        struct redis_field field = {.name = item->text};
        item = redis_reply_next(item);
        field.value = item->text;
        item = redis_reply_next(item);
        add(sums, &field);
    }
}

json_t *counter_view_json(struct redis_session *session, const char *host, int64_t minutes,
                          struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    int64_t now_s;
    if (!redis_clock_read(session, &now_s, error))
        return NULL;
    for (int64_t i = 0; i < minutes; i++) {
        struct redis_key key;
        redis_key_stats(&key, session->prefix, host, now_s / 60 - i);
        redis_command_read_hash(&command, redis_key_slice(&key));
    }
    json_t *sums = json_object();
    if (!redis_session_ask(session, &command, (size_t)minutes, take_bucket, sums, error)) {
        json_decref(sums);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:I, s:o}", "host", host, "from",
                     (json_int_t)((now_s / 60 - minutes + 1) * 60), "to", (json_int_t)now_s,
                     "counters", sums);
}
