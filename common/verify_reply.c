#include "common/verify_reply.h"

#include <stdio.h>
#include <string.h>

/* -- as policyd gives it ------------------------------------------------------------------ */

/* A sender's code is 5.1.7 or 4.1.7; asked in the restrictions of recipients Postfix
 * makes 5.1.3 of it, so the text has to say whom it is about. */
static void format_text(const char *text, enum address_kind kind, const char *mark,
                        const char *reason, char *out, size_t size)
{
    const char *colon = reason[0] ? ": " : "";
    if (kind == ADDRESS_SENDER)
        snprintf(out, size, "%c.1.7 sender: %s %s%s%s", text[0], text + strcspn(text, " ") + 1,
                 mark, colon, reason);
    else
        snprintf(out, size, "%s %s%s%s", text, mark, colon, reason);
}

static void format_deferral(const struct verify_verdict *verify,
                            const struct verify_settings *settings,
                            char out[static VERIFY_REPLY_SIZE], struct verdict *verdict)
{
    static const char action[] = "DEFER_IF_PERMIT ";
    size_t start = settings->tempfail == VERIFY_DEFER ? 0 : sizeof(action) - 1;
    memcpy(out, action, start);
    format_text(settings->defer_text, verify->kind, VERIFY_MARK_NOT_PROBED, "", out + start,
                VERIFY_REPLY_SIZE - start);
    verdict->action = start > 0 ? VERDICT_RESTRICTION : VERDICT_REPLY;
    verdict->code = (int)settings->defer_code;
}

static const char *restriction(const struct verify_verdict *verify)
{
    if (!verify->is_asked[ADDRESS_SENDER])
        return "reject_unverified_recipient";
    return verify->is_asked[ADDRESS_RECIPIENT]
               ? "reject_unverified_sender, reject_unverified_recipient"
               : "reject_unverified_sender";
}

void verify_reply_format(const struct verify_verdict *verify, const struct verify_facts *facts,
                         const struct verify_settings *settings,
                         char out[static VERIFY_REPLY_SIZE], struct verdict *verdict)
{
    verdict->text = out;
    switch (verify->answer) {
    case VERIFY_DUNNO:
        verdict->action = VERDICT_CONTINUE;
        break;
    case VERIFY_ASK_POSTFIX:
        verdict->action = VERDICT_RESTRICTION;
        verdict->text = restriction(verify);
        break;
    case VERIFY_ANSWER_DEFER:
        format_deferral(verify, settings, out, verdict);
        break;
    case VERIFY_REJECT:
        verdict->action = VERDICT_REPLY;
        verdict->code = (int)settings->reject_code;
        format_text(settings->reject_text, verify->kind, VERIFY_MARK_REMEMBERED,
                    facts->addresses[verify->kind].record.text, out, VERIFY_REPLY_SIZE);
        break;
    case VERIFY_HANG_UP:
        verdict->action = VERDICT_HANG_UP;
        verdict->code = 421;
        verdict->text = settings->hang_up_text;
        break;
    }
}

/* -- as the milter hears of it ------------------------------------------------------------ */

/* What follows the first appearance of start; NULL: there is none. */
static const char *after(const char *text, const char *start)
{
    const char *found = strstr(text, start);
    return found ? found + strlen(start) : NULL;
}

/* The texts of verify(8), as smtpd(8) words them. */
static enum recipient_status status_of_text(const char *text, const char **reason_r)
{
    const char *reason;
    if ((reason = after(text, " rejected: undeliverable address: "))) {
        *reason_r = reason;
        return RECIPIENT_UNDELIVERABLE;
    }
    if ((reason = after(text, " rejected: unverified address: "))) {
        *reason_r = reason;
        return RECIPIENT_DEFERRED;
    }
    return RECIPIENT_UNKNOWN;
}

/* 4.1.1 is also said of a user that a table does not have, where
 * unknown_local_recipient_reject_code or its like is 450. */
static enum recipient_status status_of_code(const char *code, const char *reason)
{
    if (strcmp(code, "5.1.1") == 0 || strcmp(code, "5.1.10") == 0)
        return RECIPIENT_UNDELIVERABLE;
    if (strcmp(code, "4.1.1") == 0)
        return strstr(reason, "User unknown in ") ? RECIPIENT_UNDELIVERABLE
                                                  : RECIPIENT_DEFERRED;
    return RECIPIENT_UNKNOWN;
}

bool verify_reply_read(const char *code, const char *text, enum address_kind *kind_r,
                       struct recipient_report *report_r)
{
    const char *sender = after(text, "Sender address rejected: ");
    const char *recipient = after(text, "Recipient address rejected: ");
    const char *reason = recipient ? recipient : text;

    *report_r = (struct recipient_report){.status = RECIPIENT_UNKNOWN};
    if (strstr(text, VERIFY_MARK_REMEMBERED) || strstr(text, VERIFY_MARK_NOT_PROBED))
        return false;
    *kind_r = sender ? ADDRESS_SENDER : ADDRESS_RECIPIENT;
    report_r->status = status_of_text(text, &reason);
    if (report_r->status == RECIPIENT_UNKNOWN && !sender)
        report_r->status = status_of_code(code, reason);
    report_r->text = slice_from_string(reason);
    return report_r->status != RECIPIENT_UNKNOWN;
}

static bool is_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.@", c)) || (unsigned char)c >= 0x80;
}

static bool tells_address(struct slice word, const struct recipient_address *address)
{
    struct slice local = {address->text, address->local_length};
    while (word.length > 0 && word.data[word.length - 1] == '.')
        word.length--;
    return memchr(word.data, '@', word.length) || slice_equals_ignoring_case(word, local);
}

size_t verify_reason_redact(struct slice reason, const struct recipient_address *address,
                            char out[static RECIPIENT_TEXT_SIZE])
{
    size_t length = 0, maximum = RECIPIENT_TEXT_SIZE - 1;
    for (size_t i = 0; i < reason.length && length < maximum;) {
        struct slice piece = {reason.data + i, 0};
        while (i + piece.length < reason.length && is_of_word(piece.data[piece.length]))
            piece.length++;
        bool is_word = piece.length > 0;
        if (!is_word)
            piece.length = 1;
        i += piece.length;
        if (is_word && tells_address(piece, address))
            piece = SLICE_LITERAL("...");
        if (piece.length > maximum - length)
            piece.length = maximum - length;
        memcpy(out + length, piece.data, piece.length);
        length += piece.length;
    }
    out[length] = '\0';
    return length;
}
