#include "view/host_view.h"

#include "common/number.h"
#include "common/redis_keys.h"

#include <stdio.h>
#include <string.h>

#define QUESTION_SIZE       1024
#define OTHERS_COMMAND_SIZE (HOSTS_MAX * (REDIS_KEY_SIZE + 64))

enum { REPLY_TIME, REPLY_STATE, REPLY_HOSTS, REPLY_COUNT };

static void take_time(struct host_view *view, const struct redis_reply *reply)
{
    int64_t seconds, microseconds;
    const struct redis_reply *first = redis_reply_item(reply, 0);
    const struct redis_reply *second = redis_reply_item(reply, 1);
    if (first && second && number_parse(first->text, INT64_MAX / 2000, &seconds) &&
        number_parse(second->text, 999999, &microseconds))
        view->now_ms = seconds * 1000 + microseconds / 1000;
}

static void parse_state(const struct redis_reply *reply, struct host_state *state_r)
{
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    size_t count = redis_reply_read_fields(reply, fields, HOST_STATE_FIELDS_MAX);
    host_state_parse(fields, count, state_r);
}

/* Names that a daemon would not have are left out. */
static void take_hosts(struct host_view *view, const struct redis_reply *reply)
{
    char safe[HOSTNAME_SIZE];
    const struct redis_reply *item = redis_reply_first(reply);
    for (uint32_t i = 0; i < reply->count; i++, item = redis_reply_next(item)) {
        struct other_host *other = &view->others[view->other_count];
        if (view->other_count == HOSTS_MAX || item->text.length == 0 ||
            !slice_copy_string(item->text, other->name, sizeof(other->name)))
            continue;
        hostname_get(other->name, safe);
        if (strcmp(safe, other->name) == 0 && strcmp(safe, view->overrides.host) != 0)
            view->other_count++;
    }
}

static void take_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_view *view = context;
    if (index == REPLY_TIME)
        take_time(view, reply);
    else if (index == REPLY_STATE)
        parse_state(reply, &view->state);
    else if (reply->type == REDIS_REPLY_IS_LIST)
        take_hosts(view, reply);
}

static bool read_host(struct host_view *view, struct redis_session *session, const char *host,
                      struct error *error)
{
    char buffer[QUESTION_SIZE], last[16];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key state, hosts;
    redis_key_host(&state, session->prefix, host);
    redis_key_hosts(&hosts, session->prefix);
    snprintf(last, sizeof(last), "%d", HOSTS_MAX - 1);
    redis_command_begin(&command, 1);
    redis_command_add(&command, SLICE_LITERAL("TIME"));
    redis_command_read_hash(&command, redis_key_slice(&state));
    redis_command_begin(&command, 4);
    redis_command_add(&command, SLICE_LITERAL("ZREVRANGE"));
    redis_command_add(&command, redis_key_slice(&hosts));
    redis_command_add(&command, SLICE_LITERAL("0"));
    redis_command_add(&command, slice_from_string(last));
    return redis_session_ask(session, &command, REPLY_COUNT, take_reply, view, error);
}

static void take_other(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_view *view = context;
    struct other_host *other = &view->others[index];
    struct host_state state;
    parse_state(reply, &state);
    if (!cluster_add(&view->cluster, &state, view->now_ms))
        return;
    other->publisher = state.publisher;
    other->level = host_state_level(&state);
    other->pressure = SENSOR_UNKNOWN;
    for (size_t i = 0; i < state.service_count; i++)
        if (state.services[i].pressure > other->pressure)
            other->pressure = state.services[i].pressure;
    other->age_ms = view->now_ms > state.renewed_ms ? view->now_ms - state.renewed_ms : 0;
}

static bool read_others(struct host_view *view, struct redis_session *session,
                        struct error *error)
{
    char buffer[OTHERS_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    for (size_t i = 0; i < view->other_count; i++) {
        redis_key_host(&key, session->prefix, view->others[i].name);
        redis_command_read_hash(&command, redis_key_slice(&key));
    }
    if (view->other_count > 0 &&
        !redis_session_ask(session, &command, view->other_count, take_other, view, error))
        return false;
    size_t heard = 0;
    for (size_t i = 0; i < view->other_count; i++)
        if (view->others[i].publisher != PUBLISHER_NONE)
            view->others[heard++] = view->others[i];
    view->other_count = heard;
    return true;
}

bool host_view_read(struct host_view *view, struct redis_session *session, const char *host,
                    struct error *error)
{
    *view = (struct host_view){.now_ms = 0};
    if (!override_view_read(&view->overrides, session, host, error) ||
        !read_host(view, session, host, error) || !read_others(view, session, error))
        return false;
    view->is_published = host_state_is_fresh(&view->state, view->now_ms);
    return true;
}
