#include "common/rbl_reply.h"

#include "common/utf8.h"

#include <stdio.h>

#define CODE_LENGTH   4 /* "554 " */
#define STATUS_SIZE   sizeof("5.123.123")
#define STATUS_NUMBER 3 /* most digits of the second and third part */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice skip_spaces(struct slice text)
{
    while (text.length && is_space(text.data[0]))
        text = (struct slice){text.data + 1, text.length - 1};
    return text;
}

/* The length of an enhanced status code at the start, or 0. */
static size_t status_length(struct slice text)
{
    if (text.length == 0 || !memchr("245", text.data[0], 3))
        return 0;
    size_t length = 1;
    for (int part = 0; part < 2; part++) {
        if (length == text.length || text.data[length] != '.')
            return 0;
        size_t start = ++length;
        while (length < text.length && is_digit(text.data[length]))
            length++;
        if (length == start || length - start > STATUS_NUMBER)
            return 0;
    }
    return length == text.length || is_space(text.data[length]) ? length : 0;
}

/* x.1.y is about a mail address; which one, or that it is none, depends on what is rejected.
 * The third part: what it becomes for a sender and for a recipient, as in smtpd(8). */
static const struct {
    const char *detail, *sender, *recipient;
} address_statuses[] = {
    {"1", ".1.0", ".1.1"}, {"2", ".1.8", ".1.2"}, {"3", ".1.7", ".1.3"}, {"4", ".1.0", ".1.4"},
    {"5", ".1.0", ".1.5"}, {"6", ".1.0", ".1.6"}, {"7", ".1.7", ".1.3"}, {"8", ".1.8", ".1.2"},
};

static void fit_status(char status[static STATUS_SIZE], const char *class)
{
    const char *rest = ".0.0";
    bool is_sender = strcmp(class, rbl_subject_class(RBL_SUBJECT_SENDER)) == 0;
    bool is_recipient = strcmp(class, rbl_subject_class(RBL_SUBJECT_RECIPIENT)) == 0;
    if (strncmp(status + 1, ".1.", 3) != 0)
        return;
    if (is_sender || is_recipient)
        rest = ".1.0";
    for (size_t i = 0; i < sizeof(address_statuses) / sizeof(address_statuses[0]); i++) {
        if (strcmp(status + 4, address_statuses[i].detail) != 0)
            continue;
        rest = is_sender      ? address_statuses[i].sender
               : is_recipient ? address_statuses[i].recipient
                              : rest;
    }
    snprintf(status + 1, STATUS_SIZE - 1, "%s", rest);
}

/* Printable ASCII and UTF-8 stay as they are, other bytes become spaces. */
static void make_printable(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t character = utf8_character_length((struct slice){text + i, length - i});
        if (character < 2 && (text[i] < ' ' || text[i] > '~'))
            text[i] = ' ';
        i += character ? character : 1;
    }
}

void rbl_reply_format(const struct macro *template, const struct rbl_attributes *attributes,
                      struct buffer *scratch, struct rbl_reply *reply_r)
{
    static const struct slice unavailable = {"Service unavailable", 19};
    char status[STATUS_SIZE] = "4.7.1";
    struct slice class = attributes->values[RBL_ATTRIBUTE_CLASS];
    char class_text[32];

    scratch->length = 0;
    macro_expand(template, rbl_attributes_value, attributes, scratch);
    struct slice text = {scratch->data, scratch->length};
    int code = 450; /* as Postfix where a template gives no code: the compiled ones all do */
    if (text.length >= CODE_LENGTH && (text.data[0] == '4' || text.data[0] == '5') &&
        is_digit(text.data[1]) && is_digit(text.data[2]) && text.data[3] == ' ') {
        code = (text.data[0] - '0') * 100 + (text.data[1] - '0') * 10 + (text.data[2] - '0');
        text = skip_spaces((struct slice){text.data + CODE_LENGTH, text.length - CODE_LENGTH});
        size_t length = status_length(text);
        if (length > 0)
            slice_copy_string((struct slice){text.data, length}, status, sizeof(status));
        text = skip_spaces((struct slice){text.data + length, text.length - length});
    } else {
        text.length = 0;
    }
    slice_copy_string(class, class_text, sizeof(class_text));
    fit_status(status, class_text);
    status[0] = (char)('0' + code / 100);
    if (text.length == 0)
        text = unavailable;

    int head = snprintf(reply_r->text, sizeof(reply_r->text), "%d %s ", code, status);
    reply_r->code = code;
    slice_copy_string(text, reply_r->text + head, sizeof(reply_r->text) - (size_t)head);
    size_t room = sizeof(reply_r->text) - 1 - (size_t)head;
    reply_r->length = (size_t)head + (text.length < room ? text.length : room);
    make_printable(reply_r->text, reply_r->length);
}
