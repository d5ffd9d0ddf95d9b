#include "common/rbl_template.h"

#include "common/macro_start.h"

#include <stdio.h>

#define START_LENGTH 4 /* "554 " */

/* Names, and what is known of their values before there is a reply to write. */
static const struct attribute_row {
    const char *name;
    enum rbl_attribute attribute;
    enum macro_knowledge knowledge;
    const char *example;
} attribute_table[] = {
    {"rbl_code", RBL_ATTRIBUTE_CODE, MACRO_EXACT, ""},
    {"rbl_domain", RBL_ATTRIBUTE_DOMAIN, MACRO_NOT_EMPTY, "list.example"},
    {"rbl_reason", RBL_ATTRIBUTE_REASON, MACRO_ANY, "listed"},
    {"rbl_txt", RBL_ATTRIBUTE_REASON, MACRO_ANY, "listed"},
    {"rbl_what", RBL_ATTRIBUTE_WHAT, MACRO_NOT_EMPTY, "192.0.2.1"},
    {"rbl_class", RBL_ATTRIBUTE_CLASS, MACRO_EXACT, ""},
    {"client", RBL_ATTRIBUTE_CLIENT, MACRO_NOT_EMPTY, "client.example[192.0.2.1]"},
    {"client_address", RBL_ATTRIBUTE_CLIENT_ADDRESS, MACRO_NOT_EMPTY, "192.0.2.1"},
    {"client_name", RBL_ATTRIBUTE_CLIENT_NAME, MACRO_NOT_EMPTY, "client.example"},
    {"client_port", RBL_ATTRIBUTE_CLIENT_PORT, MACRO_NOT_EMPTY, "49152"},
    {"reverse_client_name", RBL_ATTRIBUTE_REVERSE_CLIENT_NAME, MACRO_NOT_EMPTY,
     "client.example"},
    {"helo_name", RBL_ATTRIBUTE_HELO_NAME, MACRO_ANY, "client.example"},
    {"sender", RBL_ATTRIBUTE_SENDER, MACRO_ANY, "sender@client.example"},
    {"sender_name", RBL_ATTRIBUTE_SENDER_NAME, MACRO_ANY, "sender"},
    {"sender_domain", RBL_ATTRIBUTE_SENDER_DOMAIN, MACRO_ANY, "client.example"},
    {"recipient", RBL_ATTRIBUTE_RECIPIENT, MACRO_ANY, "recipient@server.example"},
    {"recipient_name", RBL_ATTRIBUTE_RECIPIENT_NAME, MACRO_ANY, "recipient"},
    {"recipient_domain", RBL_ATTRIBUTE_RECIPIENT_DOMAIN, MACRO_ANY, "server.example"},
    {"server_name", RBL_ATTRIBUTE_SERVER_NAME, MACRO_NOT_EMPTY, "server.example"},
    {"localtime", RBL_ATTRIBUTE_LOCALTIME, MACRO_NOT_EMPTY, "Jan 02 15:04:05"},
};
#define ROW_COUNT (sizeof(attribute_table) / sizeof(attribute_table[0]))

static bool resolve(struct slice name, unsigned *id_r)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (slice_equals(name, slice_from_string(attribute_table[i].name))) {
            *id_r = attribute_table[i].attribute;
            return true;
        }
    }
    return false;
}

/* The values that are the same for all replies of one class. */
struct known {
    char code[4];
    const char *class;
};

static enum macro_knowledge know(const void *context, unsigned id, struct slice *value_r)
{
    const struct known *known = context;
    size_t i = 0;
    while (attribute_table[i].attribute != id)
        i++;
    *value_r = slice_from_string(attribute_table[i].example);
    if (id == RBL_ATTRIBUTE_CODE)
        *value_r = slice_from_string(known->code);
    if (id == RBL_ATTRIBUTE_CLASS)
        *value_r = slice_from_string(known->class);
    return attribute_table[i].knowledge;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_code_and_space(struct slice start)
{
    return start.length == START_LENGTH && (start.data[0] == '4' || start.data[0] == '5') &&
           is_digit(start.data[1]) && is_digit(start.data[2]) && start.data[3] == ' ';
}

/* The first start that is wrong. */
struct wrong_start {
    bool is_found;
    char text[MACRO_START_MAX + 1];
};

static bool check_start(void *context, struct slice start)
{
    struct wrong_start *wrong = context;
    if (is_code_and_space(start))
        return true;
    wrong->is_found = true;
    slice_copy_string(start, wrong->text, sizeof(wrong->text));
    for (char *c = wrong->text; *c; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    return false;
}

static bool check_starts(const struct macro *template, int code, struct error *error)
{
    struct known known;
    snprintf(known.code, sizeof(known.code), "%u", (unsigned)code % 1000);
    for (enum rbl_subject subject = 0; subject < RBL_SUBJECT_COUNT; subject++) {
        struct wrong_start wrong = {.is_found = false};
        known.class = rbl_subject_class(subject);
        if (macro_start_each(template, START_LENGTH, know, &known, check_start, &wrong))
            continue;
        if (!wrong.is_found)
            return error_set(error, "too many conditions in front of the reply code");
        return error_set(error,
                         "the reply can begin with \"%s\": it has to be a code 4xx or 5xx and "
                         "a space, whatever the values are",
                         wrong.text);
    }
    return true;
}

struct macro *rbl_template_compile(struct slice text, int code, struct error *error)
{
    struct macro *template = macro_compile(text, resolve, error);
    if (template && !check_starts(template, code, error)) {
        macro_free(template);
        return NULL;
    }
    return template;
}

bool rbl_template_needs_reason(const struct macro *template)
{
    return macro_uses(template, RBL_ATTRIBUTE_REASON);
}

/* The parts of a mail address as smtpd(8) shows them. is_given: there was a MAIL or RCPT. */
static void set_mail_address(struct slice *values, struct slice address, bool is_given)
{
    static const struct slice null_sender = {"<>", 2};
    size_t length = address.length;
    while (length > 0 && address.data[length - 1] != '@')
        length--;
    struct slice empty = {"", 0};
    if (address.length == 0) {
        values[0] = values[1] = is_given ? null_sender : empty;
        values[2] = empty;
        return;
    }
    values[0] = address;
    values[1] = length > 0 ? (struct slice){address.data, length - 1} : address;
    values[2] =
        length > 0 ? (struct slice){address.data + length, address.length - length} : empty;
}

void rbl_attributes_init(struct rbl_attributes *attributes, const struct rbl_session *session,
                         const struct rbl_check *check, int code, struct slice reason)
{
    struct slice *values = attributes->values;
    enum rbl_subject subject = check->restriction->subject;
    snprintf(attributes->code_text, sizeof(attributes->code_text), "%u", (unsigned)code % 1000);
    snprintf(attributes->client_text, sizeof(attributes->client_text), "%.*s[%.*s]",
             (int)(session->client_name.length < DNSBL_NAME_MAX ? session->client_name.length
                                                                : DNSBL_NAME_MAX),
             session->client_name.length ? session->client_name.data : "",
             (int)(session->client_address.length < ADDRESS_TEXT_SIZE
                       ? session->client_address.length
                       : ADDRESS_TEXT_SIZE - 1),
             session->client_address.length ? session->client_address.data : "");

    values[RBL_ATTRIBUTE_CODE] = slice_from_string(attributes->code_text);
    values[RBL_ATTRIBUTE_DOMAIN] = rbl_check_domain(check);
    values[RBL_ATTRIBUTE_REASON] = reason;
    values[RBL_ATTRIBUTE_WHAT] = rbl_session_subject(session, subject);
    values[RBL_ATTRIBUTE_CLASS] = slice_from_string(rbl_subject_class(subject));
    values[RBL_ATTRIBUTE_CLIENT] = slice_from_string(attributes->client_text);
    values[RBL_ATTRIBUTE_CLIENT_ADDRESS] = session->client_address;
    values[RBL_ATTRIBUTE_CLIENT_NAME] = session->client_name;
    values[RBL_ATTRIBUTE_CLIENT_PORT] = session->client_port;
    values[RBL_ATTRIBUTE_REVERSE_CLIENT_NAME] = session->reverse_client_name;
    values[RBL_ATTRIBUTE_HELO_NAME] = session->helo_name;
    values[RBL_ATTRIBUTE_SERVER_NAME] = session->server_name;
    values[RBL_ATTRIBUTE_LOCALTIME] = session->localtime;
    set_mail_address(&values[RBL_ATTRIBUTE_SENDER], session->sender, session->has_sender);
    set_mail_address(&values[RBL_ATTRIBUTE_RECIPIENT], session->recipient,
                     session->has_recipient);
}

struct slice rbl_attributes_value(const void *context, unsigned id)
{
    const struct rbl_attributes *attributes = context;
    return attributes->values[id];
}
