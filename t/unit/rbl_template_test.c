#include "common/rbl_template.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define DEFAULT                                                                                \
    "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using "                     \
    "$rbl_domain${rbl_reason?; $rbl_reason}"
#define WRONG_START(start)                                                                     \
    "the reply can begin with \"" start                                                        \
    "\": it has to be a code 4xx or 5xx and a space, whatever the values are"

static const struct {
    const char *template, *error; /* NULL: right */
} templates[] = {
    {DEFAULT, NULL},
    {"554 no", NULL},
    {"421 4.7.1 later", NULL},
    {"599 x", NULL},
    {"554 ", NULL},
    {"$rbl_code no", NULL},
    {"${rbl_code} no", NULL},
    {"${rbl_reason?{521}:{554}} no", NULL},
    {"${rbl_reason?521 a}${rbl_reason:554 b}", NULL},
    {"${rbl_txt?521 a}${rbl_reason:554 b}", NULL},
    {"${{$rbl_class} == {Client host} ? {521 host} : {450 name}}", NULL},
    /* every class has its text */
    {"${{$rbl_class} == {Client host}?{521 a}}"
     "${{$rbl_class} == {Unverified Client host}?{521 b}}"
     "${{$rbl_class} == {Helo command}?{521 c}}"
     "${{$rbl_class} == {Sender address}?{521 d}}"
     "${{$rbl_class} == {Recipient address}?{521 e}}",
     NULL},
    {"${{$rbl_code} >= {500}?{521 a}:{421 b}}", NULL},
    {"${{$client_address} == {192.0.2.1}?{450 test}:{554 no}}", NULL},
    {"${client_address?{554 a}}", NULL},
    {"${nonsense?521 }554 a", NULL},
    {"554 ${rbl_reason?$client_name}$sender", NULL},
    {"", WRONG_START("")},
    {"no", WRONG_START("no")},
    {"Service unavailable", WRONG_START("Serv")},
    {"554", WRONG_START("554")},
    {"554\tno", WRONG_START("554?")},
    {"5545 no", WRONG_START("5545")},
    {"354 no", WRONG_START("354 ")},
    {"650 no", WRONG_START("650 ")},
    {"250 OK", WRONG_START("250 ")},
    {"5x4 no", WRONG_START("5x4 ")},
    {" 554 no", WRONG_START(" 554")},
    {"OK", WRONG_START("OK")},
    {"5.7.1 no", WRONG_START("5.7.")},
    {"554$rbl_reason", WRONG_START("554l")},
    {"554${rbl_reason}", WRONG_START("554l")},
    {"554 ", NULL},
    {"$rbl_code", WRONG_START("554")},
    {"$client_address 554", WRONG_START("192.")},
    {"$helo_name", WRONG_START("clie")},
    {"${rbl_reason?554 }no", WRONG_START("no")},
    {"${rbl_reason:554 }no", WRONG_START("no")},
    {"${rbl_reason?{554 a}:{b}}", WRONG_START("b")},
    {"${sender?{554 a}}", WRONG_START("")},
    {"${{$rbl_class} == {Client host}?{554 a}}", WRONG_START("")},
    {"${{$rbl_class} == {Sender address}?{bad}:{554 a}}", WRONG_START("bad")},
    {"${{$rbl_domain} == {x}?{bad}:{554 a}}", WRONG_START("bad")},
    {"${{$rbl_code} >= {500}}", WRONG_START("true")},
    {"${nonsense:521 }554 a", NULL},
    {"554 $nonsense", "unknown name at \"nonsense\""},
    {"554 ${rbl_reason?$nonsense}", "unknown name at \"nonsense\""},
    {"554 ${rbl_reason", "no end of the macro at \"${rbl_reason\""},
    {"554 $", "$ without a name at \"$\""},
    {"554 $senders", "unknown name at \"senders\""},
    {"554 $rbl_Code", "unknown name at \"rbl_Code\""},
};

static void test_check(void)
{
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        struct error error = {""};
        struct macro *macro =
            rbl_template_compile(slice_from_string(templates[i].template), 554, &error);
        ok((macro != NULL) == !templates[i].error, "%s: %s", templates[i].template,
           templates[i].error ? "refused" : "accepted");
        is_string(error.text, templates[i].error ? templates[i].error : "", "... because");
        macro_free(macro);
    }
}

static void test_many_conditions(void)
{
    char text[2048];
    size_t length = 0;
    struct error error;
    for (int i = 0; i < 13; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "${{$helo_name}=={x%d}?{}:{}}", i);
    ok(!rbl_template_compile((struct slice){text, length}, 554, &error), "too many conditions");
    is_string(error.text, "too many conditions in front of the reply code", "... says so");
}

static void test_reason(void)
{
    static const struct {
        const char *template;
        bool needs_reason;
    } cases[] = {
        {DEFAULT, true},
        {"554 $rbl_what", false},
        {"554 $rbl_txt", true},
        {"554 ${rbl_reason:none}", true},
        {"554 ${{$rbl_reason} == {x}?y}", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error;
        struct macro *macro =
            rbl_template_compile(slice_from_string(cases[i].template), 554, &error);
        ok(macro && rbl_template_needs_reason(macro) == cases[i].needs_reason,
           "%s: %s the TXT record", cases[i].template,
           cases[i].needs_reason ? "needs" : "does without");
        macro_free(macro);
    }
}

static struct rbl_check check;
static struct rbl_attributes attributes;

static bool is_value(enum rbl_attribute attribute, const char *expected, const char *what)
{
    char text[512];
    slice_copy_string(rbl_attributes_value(&attributes, attribute), text, sizeof(text));
    return is_string(text, expected, what);
}

static void test_attributes(void)
{
    struct error error;
    struct rbl_session session = {
        .client_address = SLICE_LITERAL("192.0.2.1"),
        .client_port = SLICE_LITERAL("4711"),
        .client_name = SLICE_LITERAL("mail.example.org"),
        .reverse_client_name = SLICE_LITERAL("rev.example.org"),
        .helo_name = SLICE_LITERAL("helo.example.org"),
        .sender = SLICE_LITERAL("\"a@b\"@c.example"),
        .recipient = SLICE_LITERAL("postmaster"),
        .has_sender = true,
        .has_recipient = true,
        .server_name = SLICE_LITERAL("mx.example"),
        .localtime = SLICE_LITERAL("Jan 02 15:04:05"),
    };
    rbl_check_parse(SLICE_LITERAL("reject_rhsbl_helo Dbl.example=127.0.1.2"), &check, &error);
    rbl_attributes_init(&attributes, &session, &check, 521, SLICE_LITERAL("why"));
    is_value(RBL_ATTRIBUTE_CODE, "521", "rbl_code");
    is_value(RBL_ATTRIBUTE_DOMAIN, "Dbl.example", "rbl_domain");
    is_value(RBL_ATTRIBUTE_REASON, "why", "rbl_reason");
    is_value(RBL_ATTRIBUTE_WHAT, "helo.example.org", "rbl_what");
    is_value(RBL_ATTRIBUTE_CLASS, "Helo command", "rbl_class");
    is_value(RBL_ATTRIBUTE_CLIENT, "mail.example.org[192.0.2.1]", "client");
    is_value(RBL_ATTRIBUTE_CLIENT_ADDRESS, "192.0.2.1", "client_address");
    is_value(RBL_ATTRIBUTE_CLIENT_NAME, "mail.example.org", "client_name");
    is_value(RBL_ATTRIBUTE_CLIENT_PORT, "4711", "client_port");
    is_value(RBL_ATTRIBUTE_REVERSE_CLIENT_NAME, "rev.example.org", "reverse_client_name");
    is_value(RBL_ATTRIBUTE_HELO_NAME, "helo.example.org", "helo_name");
    is_value(RBL_ATTRIBUTE_SENDER, "\"a@b\"@c.example", "sender");
    is_value(RBL_ATTRIBUTE_SENDER_NAME, "\"a@b\"", "sender_name");
    is_value(RBL_ATTRIBUTE_SENDER_DOMAIN, "c.example", "sender_domain");
    is_value(RBL_ATTRIBUTE_RECIPIENT, "postmaster", "recipient without a domain");
    is_value(RBL_ATTRIBUTE_RECIPIENT_NAME, "postmaster", "recipient_name");
    is_value(RBL_ATTRIBUTE_RECIPIENT_DOMAIN, "", "recipient_domain");
    is_value(RBL_ATTRIBUTE_SERVER_NAME, "mx.example", "server_name");
    is_value(RBL_ATTRIBUTE_LOCALTIME, "Jan 02 15:04:05", "localtime");

    session.sender = SLICE_LITERAL("");
    session.has_recipient = false;
    session.recipient = session.sender;
    rbl_attributes_init(&attributes, &session, &check, 554, (struct slice){NULL, 0});
    is_value(RBL_ATTRIBUTE_SENDER, "<>", "the null sender");
    is_value(RBL_ATTRIBUTE_SENDER_NAME, "<>", "... its name");
    is_value(RBL_ATTRIBUTE_SENDER_DOMAIN, "", "... its domain");
    is_value(RBL_ATTRIBUTE_RECIPIENT, "", "no recipient");
    is_value(RBL_ATTRIBUTE_RECIPIENT_NAME, "", "... no name");
    is_value(RBL_ATTRIBUTE_REASON, "", "no reason");
}

static void test_long_client(void)
{
    static char name[4000];
    memset(name, 'n', sizeof(name));
    struct rbl_session session = {.client_name = {name, sizeof(name)},
                                  .client_address = {name, sizeof(name)}};
    rbl_attributes_init(&attributes, &session, &check, 554, (struct slice){NULL, 0});
    struct slice client = rbl_attributes_value(&attributes, RBL_ATTRIBUTE_CLIENT);
    is_number(client.length, DNSBL_NAME_MAX + ADDRESS_TEXT_SIZE - 1 + 2, "client is cut");
    ok(client.data[client.length - 1] == ']', "... and ends with its bracket");
}

int main(void)
{
    test_check();
    test_many_conditions();
    test_reason();
    test_attributes();
    test_long_client();
    return done_testing();
}
