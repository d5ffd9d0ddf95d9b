#include "common/http_request.h"

#include "common/config.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static const struct {
    const char *data;
    enum http_parse result;
    int status; /* of a refusal; else length that was taken */
    const char *path, *query, *host;
    bool is_head, is_keep_alive;
} cases[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_DONE, 27, "/", "", "a", false, true},
    {"HEAD /api/status?minutes=5 HTTP/1.1\r\nhost:  a:80 \r\n\r\n", HTTP_DONE, 53,
     "/api/status", "minutes=5", "a:80", true, true},
    {"GET / HTTP/1.0\r\n\r\n", HTTP_DONE, 18, "/", "", "", false, false},
    {"GET / HTTP/1.1\nHost: a\n\n", HTTP_DONE, 24, "/", "", "a", false, true},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_DONE, 31, "/", "", "a", false, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", HTTP_DONE, 51, "/", "", "a",
     false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET", HTTP_DONE, 46, "/", "", "a",
     false, true},
    {"GET /a%00b/../.. HTTP/1.1\r\nHost:\r\n\r\n", HTTP_DONE, 36, "/a%00b/../..", "", "", false,
     true},
    {"", HTTP_MORE, 0, "", "", "", false, false},
    {"GE", HTTP_MORE, 0, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\n", HTTP_MORE, 0, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r", HTTP_MORE, 0, "", "", "", false, false},
    {"GET /\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET  / HTTP/1.1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1 \r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / http/1.1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/2.0\r\n", HTTP_REFUSED, 505, "", "", "", false, false},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_REFUSED, 505, "", "", "", false, false},
    {"POST / HTTP/1.1\r\n", HTTP_REFUSED, 405, "", "", "", false, false},
    {"get / HTTP/1.1\r\n", HTTP_REFUSED, 405, "", "", "", false, false},
    {"OPTIONS * HTTP/1.1\r\n", HTTP_REFUSED, 405, "", "", "", false, false},
    {"GET http://a/ HTTP/1.1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET /\x01 HTTP/1.1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET /\xc3\xa4 HTTP/1.1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"HEAD /\x7f HTTP/1.1\r\n", HTTP_REFUSED, 400, "", "", "", true, false},
    {"\x16\x03\x01\x02", HTTP_REFUSED, 400, "", "", "", false, false},
    {"EHLO\tx", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\n\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nHost : a\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\n: a\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nX: a\rb\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nContent-Length: 5\r\n", HTTP_REFUSED, 413, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nContent-Length: -1\r\n", HTTP_REFUSED, 400, "", "", "", false, false},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", HTTP_REFUSED, 413, "", "", "", false,
     false},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        int status = 0;
        enum http_parse result =
            http_request_parse(cases[i].data, strlen(cases[i].data), &request, &status);
        bool is_same = result == cases[i].result;
        if (result == HTTP_REFUSED)
            is_same =
                is_same && status == cases[i].status && request.is_head == cases[i].is_head;
        if (result == HTTP_DONE)
            is_same = is_same && (int)request.taken == cases[i].status &&
                      slice_equals(request.path, slice_from_string(cases[i].path)) &&
                      slice_equals(request.query, slice_from_string(cases[i].query)) &&
                      slice_equals(request.host, slice_from_string(cases[i].host)) &&
                      request.is_head == cases[i].is_head &&
                      request.is_keep_alive == cases[i].is_keep_alive;
        ok(is_same, "request %zu: result %d, status %d, taken %zu", i, (int)result, status,
           request.taken);
    }
}

static int refusal_of(const char *begin, char fill, size_t length)
{
    struct http_request request;
    int status = 0;
    char *data = malloc(length);
    memset(data, fill, length);
    memcpy(data, begin, strlen(begin));
    enum http_parse result = http_request_parse(data, length, &request, &status);
    free(data);
    return result == HTTP_MORE ? 0 : status;
}

static void test_sizes(void)
{
    is_number(refusal_of("GET /", 'a', 2000), 0, "a long line may still end");
    is_number(refusal_of("GET /", 'a', 3000), 414, "a line that is too long");
    is_number(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nX: ", 'a', 8191), 0, "a long header");
    is_number(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nX: ", 'a', 8192), 431,
              "too many headers");
    is_number(refusal_of("", '\n', 8192), 431, "nothing but empty lines");
    is_number(refusal_of("", 'A', 3000), 414, "nothing but a method");
}

static void test_hosts(void)
{
    static char *items[] = {"mx1.example.org"};
    const struct string_list names = {items, 1};
    static const struct {
        const char *host;
        bool is_ours;
    } hosts[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:10080", true},
        {"[::1]:10080", true},
        {"[::1]", true},
        {"localhost:80", true},
        {"LocalHost", true},
        {"mx1.example.org", true},
        {"MX1.example.org:8080", true},
        {"mx1.example.org.evil.org", false},
        {"evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"127.0.0.1:80@evil", false},
        {"localhost:80:80", false},
        {"[::1]x", false},
        {"[::1", false},
        {"[localhost]", false},
        {":80", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        ok(http_host_is_ours(slice_from_string(hosts[i].host), &names) == hosts[i].is_ours,
           "host \"%s\" is %s", hosts[i].host, hosts[i].is_ours ? "ours" : "a stranger's");
}

static void test_queries(void)
{
    static const struct {
        const char *query, *value; /* of "a"; NULL: none */
    } queries[] = {
        {"a=1", "1"},
        {"b=2&a=1", "1"},
        {"a=1&a=2", "1"},
        {"a=", ""},
        {"a=x+y%20z", "x y z"},
        {"a=%c3%A4", "\xc3\xa4"},
        {"a=%5b%3A:1%5D", "[::1]"},
        {"", NULL},
        {"a", NULL},
        {"aa=1", NULL},
        {"A=1", NULL},
        {"a=%00", NULL},
        {"a=%0a", NULL},
        {"a=%", NULL},
        {"a=%4", NULL},
        {"a=%zz", NULL},
        {"a=%ff", NULL},
        {"a=1234567890", NULL},
    };
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char value[10];
        bool is_there =
            http_query_get(slice_from_string(queries[i].query), "a", value, sizeof(value));
        ok(is_there == (queries[i].value != NULL) &&
               (!is_there || strcmp(value, queries[i].value) == 0),
           "query \"%s\"", queries[i].query);
    }
}

int main(void)
{
    test_cases();
    test_sizes();
    test_hosts();
    test_queries();
    return done_testing();
}
