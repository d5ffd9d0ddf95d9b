#include "common/json_duplicates.h"
#include "t/unit/tap.h"

#include <jansson.h>
#include <stdlib.h>

#define LETTERS_50 "abcdefghijklmnopqrstuvwxyabcdefghijklmnopqrstuvwxy"

static const struct {
    const char *text;
    const char *found; /* "path@line path@line" */
} table[] = {
    {"{}", ""},
    {"[]", ""},
    {"{\"a\":1,\"b\":1}", ""},
    {"{\"a\":1,\"a\":1}", "a@1"},
    {"{\"a\":1,\"a\":1,\"a\":1}", "a@1 a@1"},
    {"{\"a\":1,\n\"b\":2,\n\"b\":3,\n\"a\":4}", "b@3 a@4"},
    {"{\"a\":1,\"A\":1}", ""},
    {"{\"\":1,\"\":1}", "-@1"},
    {"{\"a\":{\"b\":1,\"b\":2},\"c\":{\"b\":1}}", "a.b@1"},
    {"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", ""},
    {"{\"a\":{\"x\":1},\"a\":{\"x\":1,\"x\":1}}", "a@1 a.x@1"},
    {"{\"a\":[{\"b\":1,\"c\":2},{\"b\":1,\"b\":2}]}", "a[1].b@1"},
    {"[[{\"a\":1},{\"a\":1,\"a\":1}]]", "[0][1].a@1"},
    {"{\"a\":[\"a\",\"a\"],\"b\":\"a\",\"c\":\"a\"}", ""},
    {"{\"a\":\"{\\\"a\\\":1,\\\"a\\\":1}\"}", ""},
    {"{\"a\":\"\\\\\",\"a\":\"\\\"\"}", "a@1"},
    {"{\"a\":\"x\ty\\n\",\r\n \"a\" : [ ] }", NULL},
    {"{\"a\":1,\"\\u0061\":1}", "a@1"},
    {"{\"\\u00e9\":1,\"\xc3\xa9\":1}", "\\xc3\\xa9@1"},
    {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "\\xf0\\x9f\\x98\\x80@1"},
    {"{\"a\\\"b\":1,\"a\\\"b\":1}", "a\\x22b@1"},
    {"{\"a b\\n\":1,\"a b\\n\":1}", "a\\x20b\\x0a@1"},
    {"{\"a.b\":1,\"a\":{\"b\":1}}", ""},
    {"{\"" LETTERS_50 LETTERS_50 LETTERS_50 "\":1,\"" LETTERS_50 LETTERS_50 LETTERS_50 "\":1}",
     LETTERS_50 LETTERS_50 "abcdefghijklmnopqrstuvwx...@1"},
};

static void append_found(const struct json_duplicate *duplicate, void *context)
{
    char *out = context;
    size_t length = strlen(out);
    snprintf(out + length, 1024 - length, "%s%s@%u", length > 0 ? " " : "", duplicate->path,
             duplicate->line);
}

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct slice text = slice_from_string(table[i].text);
        json_t *parsed = json_loadb(text.data, text.length, 0, NULL);
        char found[1024] = "";
        if (!table[i].found) {
            ok(!parsed, "not JSON: %s", table[i].text);
            continue;
        }
        ok(parsed != NULL, "JSON: %.60s", table[i].text);
        ok(json_duplicates_find(text, append_found, found), "... is not too deep");
        is_string(found, table[i].found, "... its duplicates");
        json_decref(parsed);
    }
}

/* count brackets around one object with a duplicate. */
static bool find_at_depth(int count, char *found)
{
    char text[256];
    size_t length = 0;
    for (int i = 0; i < count; i++)
        text[length++] = '[';
    length += (size_t)snprintf(text + length, sizeof(text) - length, "{\"a\":1,\"a\":2}");
    for (int i = 0; i < count; i++)
        text[length++] = ']';
    return json_duplicates_find((struct slice){text, length}, append_found, found);
}

static void test_depth(void)
{
    char found[1024] = "";
    ok(find_at_depth(JSON_DEPTH_MAX - 1, found), "as deep as may be");
    ok(strstr(found, ".a@1") != NULL, "... and searched");
    found[0] = '\0';
    ok(!find_at_depth(JSON_DEPTH_MAX, found), "too deep");
    is_string(found, "", "... and not searched");
}

static void count_found(const struct json_duplicate *duplicate, void *context)
{
    (void)duplicate;
    ++*(size_t *)context;
}

/* Many keys must not take a time that grows with their square. */
static void test_many_keys(void)
{
    const size_t keys = 100000, size = keys * 16;
    char *text = malloc(size);
    if (!text)
        abort();
    size_t length = 0, found = 0;
    text[length++] = '{';
    for (size_t i = 0; i < keys; i++)
        length += (size_t)snprintf(text + length, size - length, "%s\"%zu\":0", i ? "," : "",
                                   i % (keys / 2));
    text[length++] = '}';
    ok(json_duplicates_find((struct slice){text, length}, count_found, &found), "many keys");
    is_number(found, keys / 2, "... half of them twice");
    free(text);
}

int main(void)
{
    test_table();
    test_depth();
    test_many_keys();
    return done_testing();
}
