#include "view/event_view.h"

#include "common/escape.h"
#include "common/level_event.h"
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

/* "XRANGE KEY FROM TO COUNT count", or XREVRANGE: appended to events. */
static bool read_range(struct redis_session *session, const char *name, const char *from,
                       const char *to, int64_t count, json_t *events, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 256], limit[24];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_events(&key, session->prefix);
    snprintf(limit, sizeof(limit), "%" PRId64, count < EVENT_VIEW_MAX ? count : EVENT_VIEW_MAX);
    redis_command_begin(&command, 6);
    redis_command_add(&command, slice_from_string(name));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, slice_from_string(from));
    redis_command_add(&command, slice_from_string(to));
    redis_command_add(&command, SLICE_LITERAL("COUNT"));
    redis_command_add(&command, slice_from_string(limit));
    return redis_session_ask(session, &command, 1, take_events, events, error);
}

json_t *event_view_json(struct redis_session *session, int64_t count, struct error *error)
{
    json_t *events = json_array();
    if (read_range(session, "XREVRANGE", "+", "-", count, events, error))
        return events;
    json_decref(events);
    return NULL;
}

json_t *event_view_json_since(struct redis_session *session, int64_t since_s,
                              struct error *error)
{
    json_t *events = json_array();
    char from[64];
    size_t seen;
    snprintf(from, sizeof(from), "%" PRId64, since_s * 1000);
    do {
        seen = json_array_size(events);
        if (!read_range(session, "XRANGE", from, "+", EVENT_VIEW_MAX, events, error)) {
            json_decref(events);
            return NULL;
        }
        const json_t *last = json_array_get(events, json_array_size(events) - 1);
        snprintf(from, sizeof(from), "(%s", json_string_value(json_object_get(last, "id")));
    } while (json_array_size(events) - seen == EVENT_VIEW_MAX &&
             json_array_size(events) < EVENTS_MAX);
    return events;
}
