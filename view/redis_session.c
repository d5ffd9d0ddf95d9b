#include "view/redis_session.h"

#include "host/clock.h"
#include "redis/redis_link.h"
#include "redis/redis_server.h"

bool redis_session_open(struct redis_session *session, const struct redis_settings *settings,
                        enum redis_use use, struct error *error)
{
    *session = (struct redis_session){
        .use = use, .prefix = settings->prefix, .timeout_ms = REDIS_SESSION_TIMEOUT_MS};
    if (settings->server.type == ENDPOINT_NONE)
        return error_set(error, "this needs Redis, and none is configured (redis.server)");
    session->server = redis_server_create(settings);
    redis_server_silence(session->server);
    session->link = redis_link_create(session->server);
    return true;
}

void redis_session_close(struct redis_session *session)
{
    if (session->link)
        redis_link_free(session->link);
    redis_server_free(session->server);
    *session = (struct redis_session){.server = NULL};
}

struct question {
    redis_session_callback *callback;
    void *context;
    struct error refusal; /* empty: none */
};

static void take_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct question *question = context;
    if (reply->type == REDIS_REPLY_IS_ERROR)
        error_set(&question->refusal, "Redis: %.*s", (int)reply->text.length, reply->text.data);
    else if (question->callback)
        question->callback(question->context, index, reply);
}

bool redis_session_ask(struct redis_session *session, const struct redis_command *command,
                       size_t count, redis_session_callback *callback, void *context,
                       struct error *error)
{
    if (command->is_overflown)
        return error_set(error, "too much for one question to Redis");
    struct question question = {callback, context, {""}};
    const struct redis_pipeline pipeline = {
        .use = session->use,
        .commands = {command->data, command->length},
        .count = count,
        .callback = take_reply,
        .context = &question,
    };
    size_t answered = redis_link_pipeline(
        session->link, &pipeline, clock_monotonic_ms() + session->timeout_ms, NULL, error);
    if (answered < count)
        return false;
    if (question.refusal.text[0] == '\0')
        return true;
    *error = question.refusal;
    return false;
}

bool redis_session_ping(struct redis_session *session, struct error *error)
{
    char buffer[32];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_begin(&command, 1);
    redis_command_add(&command, SLICE_LITERAL("PING"));
    return redis_session_ask(session, &command, 1, NULL, NULL, error);
}
