#include "view/override_view.h"

#include "common/number.h"
#include "common/redis_keys.h"

#include <stdio.h>
#include <string.h>

#define FIELDS_MAX    32
#define QUESTION_SIZE 1024

enum { REPLY_TIME, REPLY_OWN, REPLY_ALL, REPLY_COUNT };

static void take_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct override_view *view = context;
    struct redis_field fields[FIELDS_MAX];
    if (index == REPLY_TIME) {
        const struct redis_reply *seconds = redis_reply_item(reply, 0);
        if (seconds)
            number_parse(seconds->text, INT64_MAX, &view->now_s);
        return;
    }
    size_t count = redis_reply_read_fields(reply, fields, FIELDS_MAX);
    override_parse(fields, count, index == REPLY_OWN ? &view->own : &view->all);
}

bool override_view_read(struct override_view *view, struct redis_session *session,
                        const char *host, struct error *error)
{
    char buffer[QUESTION_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key own, all;
    bool is_of_all = strcmp(host, "*") == 0;

    *view = (struct override_view){.now_s = 0};
    snprintf(view->host, sizeof(view->host), "%s", host);
    redis_key_override(&all, session->prefix, NULL);
    redis_key_override(&own, session->prefix, host);
    redis_command_begin(&command, 1);
    redis_command_add(&command, SLICE_LITERAL("TIME"));
    redis_command_read_hash(&command, redis_key_slice(&own)); /* of a host named "*": none */
    redis_command_read_hash(&command, redis_key_slice(&all));
    bool is_read = redis_session_ask(session, &command, REPLY_COUNT, take_reply, view, error);
    if (is_of_all)
        view->own = (struct override){.has_level = false};
    return is_read;
}

const struct override *override_view_effective(const struct override_view *view,
                                               enum override_aspect aspect, int64_t *until_r)
{
    struct override_effect effect = override_effect(&view->own, &view->all, view->now_s);
    bool is_level = aspect == OVERRIDE_LEVEL;
    if (is_level ? !effect.is_level_forced : !effect.is_off)
        return NULL;
    *until_r = is_level ? effect.level_until_s : effect.off_until_s;
    bool is_for_all = is_level ? effect.is_level_for_all : effect.is_off_for_all;
    return is_for_all ? &view->all : &view->own;
}
