#include "common/memcache_request.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define FORMAT "CLIENT_ERROR bad command line format"

static const struct {
    const char *data;
    struct memcache_request request; /* what is not of slices */
    const char *key, *value;
} good[] = {
    {"get k\r\n", {.command = MEMCACHE_GET, .taken = 7}, "k", ""},
    {"get k\n", {.command = MEMCACHE_GET, .taken = 6}, "k", ""},
    {"get  k \r\nget l\r\n", {.command = MEMCACHE_GET, .taken = 9}, "k", ""},
    {"get gr\xc3\xbc\x01\x7f\xff\r\n",
     {.command = MEMCACHE_GET, .taken = 13},
     "gr\xc3\xbc\x01\x7f\xff",
     ""},
    {"set k 0 3600 5\r\nhello\r\n",
     {.command = MEMCACHE_SET, .exptime = 3600, .taken = 23},
     "k",
     "hello"},
    {"set k 4294967295 0 0\r\n\r\n",
     {.command = MEMCACHE_SET, .flags = UINT32_MAX, .taken = 24},
     "k",
     ""},
    {"set k 0 -1 2 noreply\r\n\r\n\r\nquit",
     {.command = MEMCACHE_SET, .exptime = -1, .is_silent = true, .taken = 26},
     "k",
     "\r\n"},
    {"add k 1 2 1\nx\r\n",
     {.command = MEMCACHE_ADD, .flags = 1, .exptime = 2, .taken = 15},
     "k",
     "x"},
    {"set k 0 0 16385\r\nxx", {.command = MEMCACHE_SET, .taken = 17, .skip = 16387}, "k", ""},
    {"set k 0 0 1048576 noreply\r\n",
     {.command = MEMCACHE_SET, .is_silent = true, .taken = 27, .skip = 1048578},
     "k",
     ""},
    {"delete k\r\n", {.command = MEMCACHE_DELETE, .taken = 10}, "k", ""},
    {"delete k 0\r\n", {.command = MEMCACHE_DELETE, .taken = 12}, "k", ""},
    {"delete k noreply\r\n",
     {.command = MEMCACHE_DELETE, .is_silent = true, .taken = 18},
     "k",
     ""},
    {"delete k 0 noreply\r\n",
     {.command = MEMCACHE_DELETE, .is_silent = true, .taken = 20},
     "k",
     ""},
    {"version\r\n", {.command = MEMCACHE_VERSION, .taken = 9}, "", ""},
    {"quit\r\n", {.command = MEMCACHE_QUIT, .taken = 6}, "", ""},
};

static const char *const unfinished[] = {
    "",
    "g",
    "get k",
    "get k\r",
    "set k 0 0 5\r\n",
    "set k 0 0 5\r\nhello",
    "set k 0 0 5\r\nhello\r",
};

static const struct {
    const char *data, *problem;
} bad[] = {
    {"\x80\x01", "ERROR"},
    {"\r\n", "ERROR"},
    {" get k\r\n", "ERROR"},
    {"GET / HTTP/1.1\r\n", "ERROR"},
    {"request=smtpd_access_policy\n", "ERROR"},
    {"gets k\r\n", "ERROR"},
    {"flush_all\r\n", "ERROR"},
    {"stats\r\n", "ERROR"},
    {"get\r\n", FORMAT},
    {"get k l\r\n", FORMAT},
    {"get a\tb\r\n", FORMAT},
    {"get a\rb\r\n", FORMAT},
    {"version 1\r\n", FORMAT},
    {"quit now\r\n", FORMAT},
    {"set k 0 0\r\n", FORMAT},
    {"set k x 0 1\r\n", FORMAT},
    {"set k 4294967296 0 1\r\n", FORMAT},
    {"set k 0 - 1\r\n", FORMAT},
    {"set k 0 1e3 1\r\n", FORMAT},
    {"set k 0 999999999999999999 1\r\n", FORMAT},
    {"set k 0 0 -1\r\n", FORMAT},
    {"set k 0 0 1048577\r\n", FORMAT},
    {"set k 0 0 1 reply\r\n", FORMAT},
    {"set k 0 0 1 noreply x\r\n", FORMAT},
    {"set k 0 0 1\r\nxy", "CLIENT_ERROR bad data chunk"},
    {"set k 0 0 1\r\nx\rx", "CLIENT_ERROR bad data chunk"},
    {"set k 0 0 1\r\nx\n", "CLIENT_ERROR bad data chunk"},
    {"delete k 1\r\n", FORMAT},
    {"delete k noreply 0\r\n", FORMAT},
};

static void test_requests(void)
{
    struct memcache_request request;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct memcache_request *expected = &good[i].request;
        ok(memcache_request_parse(good[i].data, strlen(good[i].data), &request) ==
               MEMCACHE_DONE,
           "\"%s\"", good[i].data);
        ok(request.command == expected->command && request.flags == expected->flags &&
               request.exptime == expected->exptime &&
               request.is_silent == expected->is_silent && request.taken == expected->taken &&
               request.skip == expected->skip,
           "... what it says");
        ok(slice_equals(request.key, slice_from_string(good[i].key)) &&
               slice_equals(request.value, slice_from_string(good[i].value)),
           "... key and value");
    }
    for (size_t i = 0; i < sizeof(unfinished) / sizeof(unfinished[0]); i++)
        ok(memcache_request_parse(unfinished[i], strlen(unfinished[i]), &request) ==
               MEMCACHE_MORE,
           "\"%s\" is not all", unfinished[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(memcache_request_parse(bad[i].data, strlen(bad[i].data), &request) ==
               MEMCACHE_INVALID,
           "\"%s\" is none", bad[i].data);
        is_string(request.problem, bad[i].problem, "... and why");
    }
    ok(memcache_request_parse("get a\0b\r\n", 9, &request) == MEMCACHE_INVALID, "a zero byte");
}

static void test_limits(void)
{
    static char line[MEMCACHE_LINE_MAX + 2] = "get ";
    struct memcache_request request;
    memset(line + 4, 'k', sizeof(line) - 4);
    memcpy(line + 4 + MEMCACHE_KEY_MAX, "\r\n", 2);
    ok(memcache_request_parse(line, 6 + MEMCACHE_KEY_MAX, &request) == MEMCACHE_DONE &&
           request.key.length == MEMCACHE_KEY_MAX,
       "the longest key");
    memcpy(line + 4 + MEMCACHE_KEY_MAX, "k\r\n", 3);
    ok(memcache_request_parse(line, 7 + MEMCACHE_KEY_MAX, &request) == MEMCACHE_INVALID,
       "a longer one");
    memset(line + 4, 'k', sizeof(line) - 4);
    ok(memcache_request_parse(line, MEMCACHE_LINE_MAX - 1, &request) == MEMCACHE_MORE,
       "a long line");
    ok(memcache_request_parse(line, MEMCACHE_LINE_MAX, &request) == MEMCACHE_INVALID,
       "one that does not end");
    is_string(request.problem, "CLIENT_ERROR line too long", "... and why");
}

static void test_expiry(void)
{
    static const struct {
        int64_t exptime, expire_s;
        const char *what;
    } cases[] = {
        {0, 5000000, "for ever is the maximum"},
        {1, 1, "a second"},
        {2592000, 2592000, "30 days"},
        {2678400, 2678400, "31 days, as verify(8) wants it"},
        {9999999, 5000000, "more than the maximum"},
        {978307199, 5000000, "the last century is no time"},
        {978307200, 0, "this one is, and it is long ago"},
        {1800000000, 0, "now is too late"},
        {1800000060, 60, "in a minute"},
        {1900000000, 5000000, "in years"},
        {-1, 0, "at once"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_number((long)memcache_expire_s(cases[i].exptime, 5000000, 1800000000),
                  (long)cases[i].expire_s, cases[i].what);
}

static void test_reply(void)
{
    static char key[1000], text[2000];
    struct buffer buffer = BUFFER_WITH_MAXIMUM(sizeof(text));
    memcache_reply_value(&buffer, SLICE_LITERAL("k"), 7, SLICE_LITERAL("hello"));
    slice_copy_string((struct slice){buffer.data, buffer.length}, text, sizeof(text));
    is_string(text, "VALUE k 7 5\r\nhello\r\nEND\r\n", "a value");
    buffer_free(&buffer);

    memset(key, 'k', sizeof(key));
    memcache_reply_value(&buffer, (struct slice){key, sizeof(key)}, 0, SLICE_LITERAL(""));
    is_number((long)buffer.length, 6 + MEMCACHE_ECHO_MAX + 6 + 7, "a long key is cut");
    ok(!memcache_reply_value(&buffer, SLICE_LITERAL("k"), 0,
                             (struct slice){text, sizeof(text)}),
       "no room");
    is_number((long)buffer.length, 6 + MEMCACHE_ECHO_MAX + 6 + 7, "... nothing is written");
    buffer_free(&buffer);
}

int main(void)
{
    test_requests();
    test_limits();
    test_expiry();
    test_reply();
    return done_testing();
}
