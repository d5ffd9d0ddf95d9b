#include "view/top_sessions.h"

#include "common/escape.h"
#include "common/redis_keys.h"

#define COUNT_MAX   1000000
#define SECONDS_MAX 1e7

static int read_count(const json_t *object, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(object, name));
    return count < 0 ? 0 : count > COUNT_MAX ? COUNT_MAX : (int)count;
}

static double read_seconds(const json_t *object, const char *name)
{
    double seconds = json_number_value(json_object_get(object, name));
    return seconds > 0 && seconds < SECONDS_MAX ? seconds : 0;
}

static void read_text(const json_t *object, const char *name, char out[static TOP_TEXT_SIZE])
{
    const json_t *text = json_object_get(object, name);
    escape_text((struct slice){json_string_value(text), json_string_length(text)}, out,
                TOP_TEXT_SIZE);
}

static void read_holder(const json_t *item, struct top_holder *holder)
{
    read_text(item, "client", holder->client);
    read_text(item, "class", holder->class);
    read_text(item, "state", holder->state);
    holder->held_s = read_seconds(item, "held_s");
    holder->silent_s = read_seconds(item, "silent_s");
}

void top_sessions_parse(struct top_sessions *sessions, struct slice json)
{
    *sessions = (struct top_sessions){.is_known = false};
    json_t *root = json_loadb(json.data ? json.data : "", json.length, 0, NULL);
    if (json_is_object(root)) {
        const json_t *classes = json_object_get(root, "classes");
        const json_t *holders = json_object_get(root, "holders");
        sessions->is_known = true;
        sessions->sessions = read_count(root, "sessions");
        for (enum client_class class = 0; class < CLASS_COUNT; class ++)
            sessions->of_class[class] = read_count(classes, client_class_name(class));
        for (size_t i = 0; i < json_array_size(holders) && i < TOP_HOLDERS_MAX; i++)
            read_holder(json_array_get(holders, i),
                        &sessions->holders[sessions->holder_count++]);
    }
    json_decref(root);
}

static void take_sessions(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    top_sessions_parse(context,
                       reply->type == REDIS_REPLY_IS_TEXT ? reply->text : SLICE_LITERAL(""));
}

bool top_sessions_read(struct top_sessions *sessions, struct redis_session *session,
                       const char *host, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_top(&key, session->prefix, host);
    redis_command_begin(&command, 2);
    redis_command_add(&command, SLICE_LITERAL("GET"));
    redis_command_add(&command, redis_key_slice(&key));
    return redis_session_ask(session, &command, 1, take_sessions, sessions, error);
}

json_t *top_sessions_json(const struct top_sessions *sessions)
{
    if (!sessions->is_known)
        return json_null();
    json_t *classes = json_object(), *holders = json_array();
    for (enum client_class class = 0; class < CLASS_COUNT; class ++)
        json_object_set_new(classes, client_class_name(class),
                            json_integer(sessions->of_class[class]));
    for (size_t i = 0; i < sessions->holder_count; i++) {
        const struct top_holder *holder = &sessions->holders[i];
        json_array_append_new(holders, json_pack("{s:s, s:s, s:s, s:f, s:f}", "client",
                                                 holder->client, "class", holder->class,
                                                 "state", holder->state, "held_s",
                                                 holder->held_s, "silent_s", holder->silent_s));
    }
    return json_pack("{s:i, s:o, s:o}", "sessions", sessions->sessions, "classes", classes,
                     "holders", holders);
}
