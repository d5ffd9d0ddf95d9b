#include "view/event_view.h"

#include "common/escape.h"
#include "common/number.h"
#include "common/redis_keys.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS_MAX   32
#define NAME_SIZE    64
#define ESCAPED_SIZE 1024

static void set_fields(json_t *event, const struct redis_reply *content)
{
    struct redis_field fields[FIELDS_MAX];
    size_t count = redis_reply_read_fields(content, fields, FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        char name[NAME_SIZE], value[ESCAPED_SIZE];
        escape_text(fields[i].name, name, sizeof(name));
        escape_words(fields[i].value, value, sizeof(value));
        json_object_set_new(event, name, json_string(value));
    }
}

/* id: "1732170000123-0" */
static json_t *event_json(const struct redis_reply *entry)
{
    const struct redis_reply *id = redis_reply_item(entry, 0);
    const struct redis_reply *content = redis_reply_item(entry, 1);
    char text[48];
    int64_t time_ms;
    if (!id || !content || content->type != REDIS_REPLY_IS_LIST ||
        !slice_copy_string(id->text, text, sizeof(text)))
        return NULL;
    struct slice time = {text, strcspn(text, "-")};
    if (!number_parse(time, INT64_MAX, &time_ms))
        return NULL;
    json_t *event = json_object();
    set_fields(event, content);
    escape_text(id->text, text, sizeof(text));
    json_object_set_new(event, "id", json_string(text));
    json_object_set_new(event, "time", json_real((double)time_ms / 1000));
    return event;
}

static void take_events(void *context, size_t index, const struct redis_reply *reply)
{
    json_t *events = context;
    (void)index;
    if (reply->type != REDIS_REPLY_IS_LIST)
        return;
    const struct redis_reply *entry = redis_reply_first(reply);
    for (uint32_t i = 0; i < reply->count; i++, entry = redis_reply_next(entry)) {
        json_t *event = entry->type == REDIS_REPLY_IS_LIST ? event_json(entry) : NULL;
        if (event)
            json_array_append_new(events, event);
    }
}

json_t *event_view_json(struct redis_session *session, int64_t count, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 128], limit[24];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    json_t *events = json_array();
    redis_key_events(&key, session->prefix);
    snprintf(limit, sizeof(limit), "%" PRId64, count < EVENT_VIEW_MAX ? count : EVENT_VIEW_MAX);
    redis_command_begin(&command, 6);
    redis_command_add(&command, SLICE_LITERAL("XREVRANGE"));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, SLICE_LITERAL("+"));
    redis_command_add(&command, SLICE_LITERAL("-"));
    redis_command_add(&command, SLICE_LITERAL("COUNT"));
    redis_command_add(&command, slice_from_string(limit));
    if (redis_session_ask(session, &command, 1, take_events, events, error))
        return events;
    json_decref(events);
    return NULL;
}
