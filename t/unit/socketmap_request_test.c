#include "common/socketmap_request.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static const struct {
    const char *data;
    enum socketmap_parse result;
    const char *name, *key;
    size_t taken;
} cases[] = {
    {"15:rbl-reply a.b=c,", SOCKETMAP_DONE, "rbl-reply", "a.b=c", 19},
    {"3:n k,3:m l,", SOCKETMAP_DONE, "n", "k", 6},
    {"2:n ,", SOCKETMAP_DONE, "n", "", 5},
    {"5:n a b,", SOCKETMAP_DONE, "n", "a b", 8},
    {"4:n  k,", SOCKETMAP_DONE, "n", " k", 7},
    {"5:n \xc3\xbc\n,", SOCKETMAP_DONE, "n", "\xc3\xbc\n", 8},
    {"", SOCKETMAP_MORE, "", "", 0},
    {"15:rbl-reply a.b=c", SOCKETMAP_MORE, "", "", 0},
    {"10000:", SOCKETMAP_MORE, "", "", 0},
    {"10001:", SOCKETMAP_INVALID, "", "", 0},
    {"0:,", SOCKETMAP_INVALID, "", "", 0},
    {"1:n,", SOCKETMAP_INVALID, "", "", 0},
    {"2: k,", SOCKETMAP_INVALID, "", "", 0},
    {"3:n\tk,", SOCKETMAP_INVALID, "", "", 0},
    {"4:\xc3\xbc k,", SOCKETMAP_INVALID, "", "", 0},
    {"3:n k;", SOCKETMAP_INVALID, "", "", 0},
    {"request=smtpd_access_policy\n", SOCKETMAP_INVALID, "", "", 0},
};

static void test_requests(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct socketmap_request request = {{"", 0}, {"", 0}, 0};
        ok(socketmap_request_parse(cases[i].data, strlen(cases[i].data), &request) ==
               cases[i].result,
           "\"%s\"", cases[i].data);
        ok(slice_equals(request.name, slice_from_string(cases[i].name)) &&
               slice_equals(request.key, slice_from_string(cases[i].key)) &&
               request.taken == cases[i].taken,
           "... name, key and length");
    }
    struct socketmap_request request;
    ok(socketmap_request_parse("4:n k\0,", 7, &request) == SOCKETMAP_INVALID, "a zero byte");
}

static bool is_reply(enum socketmap_status status, struct slice text, const char *expected)
{
    char got[64];
    struct buffer buffer = BUFFER_WITH_MAXIMUM(64);
    socketmap_reply_append(&buffer, status, text);
    slice_copy_string((struct slice){buffer.data, buffer.length}, got, sizeof(got));
    buffer_free(&buffer);
    return is_string(got, expected, "a reply");
}

static void test_replies(void)
{
    is_reply(SOCKETMAP_OK, SLICE_LITERAL("554 no"), "9:OK 554 no,");
    is_reply(SOCKETMAP_OK, (struct slice){NULL, 0}, "3:OK ,");
    is_reply(SOCKETMAP_NOTFOUND, (struct slice){NULL, 0}, "9:NOTFOUND ,");
    is_reply(SOCKETMAP_TEMP, SLICE_LITERAL("busy\r\n\x7f"), "12:TEMP busy   ,");
    is_reply(SOCKETMAP_TIMEOUT, SLICE_LITERAL("x"), "9:TIMEOUT x,");
    is_reply(SOCKETMAP_PERM, SLICE_LITERAL("gr\xc3\xbc"), "9:PERM gr\xc3\xbc,");

    static char text[10000];
    memset(text, 'x', sizeof(text));
    struct buffer buffer = BUFFER_WITH_MAXIMUM(SOCKETMAP_REPLY_MAX + 6);
    ok(socketmap_reply_append(&buffer, SOCKETMAP_OK, (struct slice){text, sizeof(text)}),
       "a long text is cut");
    is_number(buffer.length, SOCKETMAP_REPLY_MAX + 6, "... to the maximum");
    ok(!socketmap_reply_append(&buffer, SOCKETMAP_OK, SLICE_LITERAL("x")), "no more room");
    buffer_free(&buffer);
}

int main(void)
{
    test_requests();
    test_replies();
    return done_testing();
}
