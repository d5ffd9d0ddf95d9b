#include "common/policy_reply.h"

#include <stdio.h>
#include <string.h>

/* A code without text would be a malformed action. */
static const char text_of_last_resort[] = "Service unavailable";

static size_t append_text(const char *text, char *out)
{
    size_t length = 0;
    for (; text[length] != '\0' && length < POLICY_REPLY_TEXT_MAX; length++)
        out[length] = text[length] >= ' ' && text[length] < 0x7f ? text[length] : '?';
    return length;
}

size_t policy_reply_format(const struct verdict *verdict, char out[static POLICY_REPLY_SIZE])
{
    static const char dunno[] = "action=DUNNO\n\n";
    if (verdict->action != VERDICT_HANG_UP) {
        memcpy(out, dunno, sizeof(dunno));
        return sizeof(dunno) - 1;
    }

    const char *text = verdict->text ? verdict->text : "";
    while (*text == ' ')
        text++;
    if (*text == '\0')
        text = text_of_last_resort;
    int code = verdict->code == 521 ? 521 : 421;
    size_t length = (size_t)snprintf(out, POLICY_REPLY_SIZE, "action=%d ", code);
    length += append_text(text, out + length);
    memcpy(out + length, "\n\n", 3);
    return length + 2;
}
