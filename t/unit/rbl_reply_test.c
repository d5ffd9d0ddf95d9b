#include "common/rbl_reply.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct rbl_session session;
static struct rbl_check check;
static struct buffer scratch = BUFFER_WITH_MAXIMUM(RBL_REPLY_SCRATCH_MAX);

static const struct {
    const char *restriction, *template, *reply;
} replies[] = {
    {"reject_rbl_client zen.example=127.0.0.2",
     "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using "
     "$rbl_domain${rbl_reason?; $rbl_reason}",
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example; why"},
    {"reject_rbl_client zen.example", "521 4.7.1 Bot", "521 5.7.1 Bot"},
    {"reject_rbl_client zen.example", "421 5.7.1 Later", "421 4.7.1 Later"},
    {"reject_rbl_client zen.example", "450 2.0.0 Later", "450 4.0.0 Later"},
    {"reject_rbl_client zen.example", "554 5.7.123 x", "554 5.7.123 x"},
    {"reject_rbl_client zen.example", "554 5.123.123 x", "554 5.123.123 x"},
    {"reject_rbl_client zen.example", "554   5.7.0 \t  x", "554 5.7.0 x"},
    {"reject_rbl_client zen.example", "554 5.7.0", "554 5.7.0 Service unavailable"},
    {"reject_rbl_client zen.example", "554 ", "554 5.7.1 Service unavailable"},
    {"reject_rbl_client zen.example", "554   ", "554 5.7.1 Service unavailable"},
    {"reject_rbl_client zen.example", "554 $rbl_txt", "554 5.7.1 why"},
    /* no enhanced status code */
    {"reject_rbl_client zen.example", "554 3.7.1 x", "554 5.7.1 3.7.1 x"},
    {"reject_rbl_client zen.example", "554 5.7 x", "554 5.7.1 5.7 x"},
    {"reject_rbl_client zen.example", "554 5.7.1x", "554 5.7.1 5.7.1x"},
    {"reject_rbl_client zen.example", "554 5.7.1234 x", "554 5.7.1 5.7.1234 x"},
    {"reject_rbl_client zen.example", "554 5.1234.1 x", "554 5.7.1 5.1234.1 x"},
    {"reject_rbl_client zen.example", "554 55.7.1 x", "554 5.7.1 55.7.1 x"},
    {"reject_rbl_client zen.example", "554 5..1 x", "554 5.7.1 5..1 x"},
    /* one of a mail address */
    {"reject_rbl_client zen.example", "554 5.1.8 x", "554 5.0.0 x"},
    {"reject_rhsbl_helo zen.example", "554 5.1.8 x", "554 5.0.0 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.1 x", "554 5.1.0 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.2 x", "554 5.1.8 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.3 x", "554 5.1.7 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.8 x", "554 5.1.8 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.9 x", "554 5.1.0 x"},
    {"reject_rhsbl_sender zen.example", "554 5.1.12 x", "554 5.1.0 x"},
    {"reject_rhsbl_sender zen.example", "554 5.7.1 x", "554 5.7.1 x"},
    {"reject_rhsbl_recipient zen.example", "450 4.1.8 x", "450 4.1.2 x"},
    {"reject_rhsbl_recipient zen.example", "450 4.1.1 x", "450 4.1.1 x"},
    {"reject_rhsbl_recipient zen.example", "450 4.1.7 x", "450 4.1.3 x"},
    {"reject_rhsbl_recipient zen.example", "450 4.1.0 x", "450 4.1.0 x"},
    {"reject_rhsbl_recipient zen.example", "450 4.11.1 x", "450 4.11.1 x"},
    /* what may be in a line */
    {"reject_rbl_client zen.example", "554 a\tb\rc\x7f", "554 5.7.1 a b c "},
    {"reject_rbl_client zen.example", "554 gr\xc3\xbc\xc3\x9f", "554 5.7.1 gr\xc3\xbc\xc3\x9f"},
    {"reject_rbl_client zen.example", "554 \xf0\x9f\x93\xa7 \xe2\x82\xac",
     "554 5.7.1 \xf0\x9f\x93\xa7 \xe2\x82\xac"},
    {"reject_rbl_client zen.example", "554 \xc3 \xff \xc0\x80", "554 5.7.1       "},
    {"reject_rbl_client zen.example", "554 $helo_name", "554 5.7.1 h__[o]%s"},
};

static void format(const char *restriction, const char *template, struct rbl_reply *reply_r)
{
    struct error error;
    struct rbl_attributes attributes;
    if (!rbl_check_parse(slice_from_string(restriction), &check, &error))
        abort();
    struct macro *macro = rbl_template_compile(slice_from_string(template), 554, &error);
    if (!macro) {
        printf("# %s: %s\n", template, error.text);
        abort();
    }
    rbl_attributes_init(&attributes, &session, &check, 554, SLICE_LITERAL("why"));
    rbl_reply_format(macro, &attributes, &scratch, reply_r);
    macro_free(macro);
}

static void test_replies(void)
{
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct rbl_reply reply;
        format(replies[i].restriction, replies[i].template, &reply);
        is_string(reply.text, replies[i].reply, replies[i].template);
        is_number(reply.length, strlen(reply.text), "... its length");
        is_number(reply.code, strtol(reply.text, NULL, 10), "... its code");
    }
}

static void test_long(void)
{
    static char sender[60000], template[MACRO_TEXT_MAX];
    struct rbl_reply reply;
    memset(sender, 's', sizeof(sender));
    session.sender = (struct slice){sender, sizeof(sender)};
    format("reject_rbl_client zen.example", "521 5.7.1 $sender$sender$sender", &reply);
    is_number(reply.length, RBL_REPLY_MAX, "a long value is cut");
    is_number(reply.code, 521, "... the code is that of the template");
    ok(strspn(reply.text + 10, "s") == RBL_REPLY_MAX - 10, "... the text what fits");
    format("reject_rbl_client zen.example", "521 ${{$sender}=={x}?{a}:{b}}", &reply);
    is_string(reply.text, "521 5.7.1 b", "a long value in a comparison");

    memset(template, 't', sizeof(template) - 1);
    memcpy(template, "450 ", 4);
    format("reject_rbl_client zen.example", template, &reply);
    is_number(reply.length, RBL_REPLY_MAX, "a long template is cut");
    template[503] = (char)0xc3;
    template[504] = (char)0xbc;
    format("reject_rbl_client zen.example", template, &reply);
    ok(reply.length == RBL_REPLY_MAX && reply.text[509] == ' ', "half a character is not left");
}

static void test_any_template(void)
{
    struct error error;
    struct rbl_reply reply;
    struct rbl_attributes attributes;
    rbl_check_parse(SLICE_LITERAL("reject_rbl_client a.example"), &check, &error);
    rbl_attributes_init(&attributes, &session, &check, 554, SLICE_LITERAL("why"));
    struct macro *macro = macro_compile(SLICE_LITERAL("no code"), NULL, &error);
    rbl_reply_format(macro, &attributes, &scratch, &reply);
    is_string(reply.text, "450 4.7.1 Service unavailable", "a template without a code");
    macro_free(macro);
}

int main(void)
{
    session = (struct rbl_session){
        .client_address = SLICE_LITERAL("192.0.2.1"),
        .client_name = SLICE_LITERAL("unknown"),
        .helo_name = SLICE_LITERAL("h\xc3\xbc[o]%s"),
    };
    test_replies();
    test_long();
    test_any_template();
    buffer_free(&scratch);
    return done_testing();
}
