#include "milter/reply.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Length of "D.D{1,3}.D{1,3}" (RFC 3463 section 2) at the begin of text; 0: none. */
static size_t enhanced_code_length(const char *text)
{
    static const char digits[] = "0123456789";
    size_t subject = 2;
    if (strspn(text, digits) != 1 || text[1] != '.')
        return 0;
    size_t length = strspn(text + subject, digits);
    if (length < 1 || length > 3 || text[subject + length] != '.')
        return 0;
    size_t detail = subject + length + 1;
    length = strspn(text + detail, digits);
    if (length < 1 || length > 3)
        return 0;
    char end = text[detail + length];
    return end == ' ' || end == '\0' ? detail + length : 0;
}

void reply_format(int code, const char *text, struct reply *reply_r)
{
    *reply_r = (struct reply){.code = ""};
    snprintf(reply_r->code, sizeof(reply_r->code), "%03u", (unsigned)code % 1000U);

    size_t length = enhanced_code_length(text);
    memcpy(reply_r->enhanced_code, text, length);
    if (length > 0)
        reply_r->enhanced_code[0] = reply_r->code[0];
    text += length;
    text += strspn(text, " ");

    size_t written = 0;
    for (; *text && written + 2 < sizeof(reply_r->text); text++) {
        bool is_control = (unsigned char)*text < ' ' || *text == 0x7f;
        if (*text == '%')
            reply_r->text[written++] = '%';
        reply_r->text[written++] = is_control ? ' ' : *text;
    }
}
