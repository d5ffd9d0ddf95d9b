#include "ctl/override_view.h"

#include "common/duration.h"
#include "common/escape.h"
#include "common/number.h"
#include "common/redis_keys.h"
#include "ctl/target.h"

#include <stdio.h>
#include <string.h>

#define FIELDS_MAX    32
#define ESCAPED_SIZE  (4 * OVERRIDE_TEXT_SIZE)
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

static void format_author(const struct override *override, char *out, size_t size)
{
    char by[ESCAPED_SIZE], note[ESCAPED_SIZE];
    escape_words(slice_from_string(override->by), by, sizeof(by));
    escape_words(slice_from_string(override->note), note, sizeof(note));
    snprintf(out, size, "%s%s%s%s", override->by[0] ? ", by " : "", override->by[0] ? by : "",
             override->note[0] ? ": " : "", override->note[0] ? note : "");
}

void override_view_describe(const struct override_view *view, enum override_aspect aspect,
                            char out[static OVERRIDE_VIEW_TEXT_SIZE])
{
    int64_t until_s;
    char left[DURATION_TEXT_SIZE], until[TARGET_TIME_SIZE], author[2 * ESCAPED_SIZE + 16];
    const struct override *override = override_view_effective(view, aspect, &until_s);
    out[0] = '\0';
    if (!override)
        return;
    duration_format(until_s - view->now_s, left);
    target_format_time(until_s - view->now_s, until);
    format_author(override, author, sizeof(author));
    snprintf(out, OVERRIDE_VIEW_TEXT_SIZE, "%s%s%s, %s more, until %s%s",
             aspect == OVERRIDE_LEVEL ? "level " : "off",
             aspect == OVERRIDE_LEVEL ? level_name(override->level) : "",
             override == &view->all && strcmp(view->host, "*") != 0 ? " for all hosts" : "",
             left, until, author);
}

void override_view_print(const struct override_view *view)
{
    const char *host = strcmp(view->host, "*") == 0 ? "all hosts" : view->host;
    char text[OVERRIDE_VIEW_TEXT_SIZE];
    bool is_forced = false;
    for (enum override_aspect aspect = OVERRIDE_LEVEL; aspect <= OVERRIDE_MODE; aspect++) {
        override_view_describe(view, aspect, text);
        if (text[0] == '\0')
            continue;
        printf("%s: %s\n", host, text);
        is_forced = true;
    }
    if (!is_forced)
        printf("%s: nothing is forced\n", host);
}
