#include "common/policy_reply.h"

#include <stdio.h>
#include <string.h>

/* A code without text would be a malformed action. */
static const char text_of_last_resort[] = "Service unavailable";

static size_t append_text(const char *text, size_t maximum, char *out)
{
    size_t length = 0;
    for (; text[length] != '\0' && length < maximum; length++)
        out[length] = text[length] >= ' ' && text[length] < 0x7f ? text[length] : '?';
    return length;
}

size_t policy_reply_format(const struct verdict *verdict, char out[static POLICY_REPLY_SIZE])
{
    static const char dunno[] = "action=DUNNO\n\n";
    if (verdict->action == VERDICT_CONTINUE) {
        memcpy(out, dunno, sizeof(dunno));
        return sizeof(dunno) - 1;
    }

    const char *text = verdict->text ? verdict->text : "";
    size_t length = sizeof("action=") - 1;
    memcpy(out, "action=", length);
    while (*text == ' ')
        text++;
    if (*text == '\0')
        text = text_of_last_resort;
    if (verdict->action != VERDICT_RESTRICTION) {
        int code = verdict->code >= 400 && verdict->code <= 599 ? verdict->code : 421;
        length += (size_t)snprintf(out + length, POLICY_REPLY_SIZE - length, "%d ", code);
    }
    bool is_of_list = verdict->rule == RULE_RBL;
    length += append_text(text, is_of_list ? POLICY_REPLY_LIST_MAX : POLICY_REPLY_TEXT_MAX,
                          out + length);
    memcpy(out + length, "\n\n", 3);
    return length + 2;
}
