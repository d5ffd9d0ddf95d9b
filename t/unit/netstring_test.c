#include "common/netstring.h"
#include "t/unit/tap.h"

static const struct {
    const char *data;
    size_t maximum;
    enum netstring_parse result;
    const char *content;
    size_t taken;
} cases[] = {
    {"0:,", 10, NETSTRING_DONE, "", 3},
    {"5:hello,", 10, NETSTRING_DONE, "hello", 8},
    {"5:hello,", 5, NETSTRING_DONE, "hello", 8},
    {"5:hello,3:abc,", 10, NETSTRING_DONE, "hello", 8},
    {"5:a:,1,,", 10, NETSTRING_DONE, "a:,1,", 8},
    {"10:0123456789,", 10, NETSTRING_DONE, "0123456789", 14},
    {"", 10, NETSTRING_MORE, "", 0},
    {"5", 10, NETSTRING_MORE, "", 0},
    {"5:", 10, NETSTRING_MORE, "", 0},
    {"5:hello", 10, NETSTRING_MORE, "", 0},
    {"0:", 10, NETSTRING_MORE, "", 0},
    {"0", 10, NETSTRING_MORE, "", 0},
    {"5:hello,", 4, NETSTRING_INVALID, "", 0},
    {"5", 4, NETSTRING_INVALID, "", 0},
    {"11", 10, NETSTRING_INVALID, "", 0},
    {"05:hello,", 10, NETSTRING_INVALID, "", 0},
    {"00:,", 10, NETSTRING_INVALID, "", 0},
    {":,", 10, NETSTRING_INVALID, "", 0},
    {"x", 10, NETSTRING_INVALID, "", 0},
    {"-1:,", 10, NETSTRING_INVALID, "", 0},
    {"5hello,", 10, NETSTRING_INVALID, "", 0},
    {"5 :hello,", 10, NETSTRING_INVALID, "", 0},
    {"5:hello;", 10, NETSTRING_INVALID, "", 0},
    {"5:hellohello,", 10, NETSTRING_INVALID, "", 0},
    {"99999999999999999999999", (size_t)-1, NETSTRING_INVALID, "", 0},
    {"GET / HTTP/1.1", 10000, NETSTRING_INVALID, "", 0},
};

static void test_parse(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice content = {"", 0};
        size_t taken = 0;
        ok(netstring_parse(cases[i].data, strlen(cases[i].data), cases[i].maximum, &content,
                           &taken) == cases[i].result,
           "\"%s\", at most %zu", cases[i].data, cases[i].maximum);
        ok(slice_equals(content, slice_from_string(cases[i].content)) &&
               taken == cases[i].taken,
           "... content and length");
    }
}

static void test_append(void)
{
    struct buffer buffer = BUFFER_WITH_MAXIMUM(20);
    struct slice pieces[] = {SLICE_LITERAL("OK"), SLICE_LITERAL(" "), SLICE_LITERAL("text")};
    ok(netstring_append(&buffer, pieces, 3) && netstring_append(&buffer, pieces, 2),
       "two netstrings");
    ok(slice_equals((struct slice){buffer.data, buffer.length},
                    SLICE_LITERAL("7:OK text,3:OK ,")),
       "... in a row");
    ok(!netstring_append(&buffer, pieces, 2), "one that does not fit");
    is_number(buffer.length, 16, "... is not begun");
    ok(netstring_append(&buffer, pieces + 1, 1), "one that just fits");
    is_number(buffer.length, 20, "... fills it");
    ok(!netstring_append(&buffer, NULL, 0), "no room at all");
    buffer_free(&buffer);
    ok(netstring_append(&buffer, NULL, 0) && buffer.length == 3 &&
           memcmp(buffer.data, "0:,", 3) == 0,
       "nothing in it");
    buffer_free(&buffer);
}

int main(void)
{
    test_parse();
    test_append();
    return done_testing();
}
