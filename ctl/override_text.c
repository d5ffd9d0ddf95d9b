#include "ctl/override_text.h"

#include "common/duration.h"
#include "common/escape.h"
#include "ctl/target.h"

#include <stdio.h>
#include <string.h>

#define ESCAPED_SIZE (4 * OVERRIDE_TEXT_SIZE)

static void format_author(const struct override *override, char *out, size_t size)
{
    char by[ESCAPED_SIZE], note[ESCAPED_SIZE];
    escape_words(slice_from_string(override->by), by, sizeof(by));
    escape_words(slice_from_string(override->note), note, sizeof(note));
    snprintf(out, size, "%s%s%s%s", override->by[0] ? ", by " : "", override->by[0] ? by : "",
             override->note[0] ? ": " : "", override->note[0] ? note : "");
}

void override_text_describe(const struct override_view *view, enum override_aspect aspect,
                            char out[static OVERRIDE_TEXT_MAX])
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
    snprintf(out, OVERRIDE_TEXT_MAX, "%s%s%s, %s more, until %s%s",
             aspect == OVERRIDE_LEVEL ? "level " : "off",
             aspect == OVERRIDE_LEVEL ? level_name(override->level) : "",
             override == &view->all && strcmp(view->host, "*") != 0 ? " for all hosts" : "",
             left, until, author);
}

void override_text_print(const struct override_view *view)
{
    const char *host = strcmp(view->host, "*") == 0 ? "all hosts" : view->host;
    char text[OVERRIDE_TEXT_MAX];
    bool is_forced = false;
    for (enum override_aspect aspect = OVERRIDE_LEVEL; aspect <= OVERRIDE_MODE; aspect++) {
        override_text_describe(view, aspect, text);
        if (text[0] == '\0')
            continue;
        printf("%s: %s\n", host, text);
        is_forced = true;
    }
    if (!is_forced)
        printf("%s: nothing is forced\n", host);
}
