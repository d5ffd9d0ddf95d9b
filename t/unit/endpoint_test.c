#include "common/endpoint.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define LETTERS_50 "abcdefghijklmnopqrstuvwxyabcdefghijklmnopqrstuvwxy"

static const struct {
    const char *text;
    enum endpoint_type type;
    const char *path, *host;
    uint16_t port;
} good_table[] = {
    {"unix:/run/postvalve/policyd", ENDPOINT_UNIX, "/run/postvalve/policyd", NULL, 0},
    {"unix:/a:b", ENDPOINT_UNIX, "/a:b", NULL, 0},
    {"inet:127.0.0.1:10031", ENDPOINT_INET, NULL, "127.0.0.1", 10031},
    {"inet:localhost:1", ENDPOINT_INET, NULL, "localhost", 1},
    {"inet:mx-1.example.org:65535", ENDPOINT_INET, NULL, "mx-1.example.org", 65535},
    {"inet:[::1]:10031", ENDPOINT_INET, NULL, "::1", 10031},
    {"inet:[2001:db8::1]:25", ENDPOINT_INET, NULL, "2001:db8::1", 25},
    {"inet:0.0.0.0:00025", ENDPOINT_INET, NULL, "0.0.0.0", 25},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof(good_table) / sizeof(good_table[0]); i++) {
        struct endpoint endpoint;
        struct error error = {""};
        const char *text = good_table[i].text;
        if (!ok(endpoint_parse(slice_from_string(text), &endpoint, &error), "%s", text)) {
            printf("# %s\n", error.text);
            continue;
        }
        ok(endpoint.type == good_table[i].type, "%s: type", text);
        is_string(endpoint.text, text, "text is kept");
        ok(endpoint.port == good_table[i].port, "%s: port", text);
        if (good_table[i].path)
            is_string(endpoint.path, good_table[i].path, "path");
        if (good_table[i].host)
            is_string(endpoint.host, good_table[i].host, "host");
        ok((endpoint.path != NULL) == (good_table[i].path != NULL) &&
               (endpoint.host != NULL) == (good_table[i].host != NULL),
           "%s: what it does not use is NULL", text);
        endpoint_release(&endpoint);
        ok(endpoint.type == ENDPOINT_NONE && !endpoint.text && !endpoint.path && !endpoint.host,
           "%s: released", text);
    }
}

#define NO_TAG   "it begins neither with \"unix:\" nor with \"inet:\""
#define NO_PATH  "the path has to begin with \"/\""
#define NO_PORT  "the port is not a number from 1 to 65535"
#define NO_HOST  "the host is not an IPv4 address or a name"
#define NO_IPV6  "the host is not an IPv6 address"
#define NO_ASCII "it has a character other than printable ASCII without spaces"

static const struct {
    const char *text, *problem;
} bad_table[] = {
    {"", NO_TAG},
    {"127.0.0.1:10031", NO_TAG},
    {"/run/socket", NO_TAG},
    {"local:/run/socket", NO_TAG},
    {"UNIX:/run/socket", NO_TAG},
    {"inet", NO_TAG},
    {"unix:", NO_PATH},
    {"unix:run/socket", NO_PATH},
    {"unix:/" LETTERS_50 LETTERS_50 "1234567",
     "the path has 108 bytes, a socket's can have 107"},
    {"unix:/run/a b", NO_ASCII},
    {"unix:/run/\xc3\xa9", NO_ASCII},
    {"inet:localhost:25\n", NO_ASCII},
    {"inet:\x7f:25", NO_ASCII},
    {"inet:", "the port is missing"},
    {"inet:127.0.0.1", "the port is missing"},
    {"inet:127.0.0.1:", NO_PORT},
    {"inet:127.0.0.1:0", NO_PORT},
    {"inet:127.0.0.1:65536", NO_PORT},
    {"inet:127.0.0.1:100000", NO_PORT},
    {"inet:127.0.0.1:-1", NO_PORT},
    {"inet:127.0.0.1:smtp", NO_PORT},
    {"inet:10031@localhost", "the port is missing"},
    {"inet::25", NO_HOST},
    {"inet:*:25", NO_HOST},
    {"inet:a/b:25", NO_HOST},
    {"inet:::1:25", "an IPv6 address has to stand in brackets"},
    {"inet:2001:db8::1:25", "an IPv6 address has to stand in brackets"},
    {"inet:[]:25", NO_IPV6},
    {"inet:[127.0.0.1]:25", NO_IPV6},
    {"inet:[localhost]:25", NO_IPV6},
    {"inet:[::g]:25", NO_IPV6},
    {"inet:[IPv6:::1]:25", NO_IPV6},
    {"inet:[::1]", "an IPv6 address has to stand in brackets"},
    {"inet:[::1:25", "an IPv6 address has to stand in brackets"},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof(bad_table) / sizeof(bad_table[0]); i++) {
        struct endpoint endpoint = {.type = ENDPOINT_NONE, .port = 7};
        struct error error = {""};
        const char *text = bad_table[i].text;
        ok(!endpoint_parse(slice_from_string(text), &endpoint, &error), "refused: '%s'", text);
        is_string(error.text, bad_table[i].problem, "... with the reason");
        ok(endpoint.type == ENDPOINT_NONE && endpoint.port == 7, "... and nothing written");
    }
    struct endpoint endpoint;
    struct error error;
    ok(!endpoint_parse((struct slice){"inet:a\0b:25", 11}, &endpoint, &error), "a zero byte");
    ok(!endpoint_parse((struct slice){NULL, 0}, &endpoint, &error), "no text at all");
}

static void test_host_length(void)
{
    char text[300];
    struct endpoint endpoint;
    struct error error;
    for (int length = ENDPOINT_HOST_MAX; length <= ENDPOINT_HOST_MAX + 1; length++) {
        int text_length = snprintf(text, sizeof(text), "inet:%0*d:25", length, 1);
        struct slice slice = {text, (size_t)text_length};
        bool is_parsed = endpoint_parse(slice, &endpoint, &error);
        ok(is_parsed == (length <= ENDPOINT_HOST_MAX), "a host name of %d bytes", length);
        if (is_parsed)
            endpoint_release(&endpoint);
    }
}

static bool are_equal(const char *a, const char *b)
{
    struct endpoint left = {.type = ENDPOINT_NONE}, right = {.type = ENDPOINT_NONE};
    struct error error;
    if (a[0] != '\0' && !endpoint_parse(slice_from_string(a), &left, &error))
        abort();
    if (b[0] != '\0' && !endpoint_parse(slice_from_string(b), &right, &error))
        abort();
    bool is_equal = endpoint_equals(&left, &right);
    endpoint_release(&left);
    endpoint_release(&right);
    return is_equal;
}

static void test_equals(void)
{
    ok(are_equal("", ""), "none and none");
    ok(!are_equal("", "unix:/a"), "none and unix");
    ok(are_equal("unix:/a", "unix:/a"), "the same path");
    ok(!are_equal("unix:/a", "unix:/A"), "paths differ in case");
    ok(are_equal("inet:Localhost:25", "inet:localhost:025"), "host names do not");
    ok(!are_equal("inet:localhost:25", "inet:localhost:26"), "another port");
    ok(!are_equal("inet:a:25", "unix:/a"), "another type");
}

int main(void)
{
    test_good();
    test_bad();
    test_host_length();
    test_equals();
    return done_testing();
}
