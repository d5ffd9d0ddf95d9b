#include "common/rbl_reply_map.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct error_list errors;

static struct rbl_reply_map *parse(const char *text)
{
    error_list_init(&errors);
    return rbl_reply_map_parse("map", slice_from_string(text), 554, &errors);
}

static bool is_found(const struct rbl_reply_map *map, const char *argument,
                     const char *expected)
{
    char text[256] = "(none)";
    const struct macro *template = rbl_reply_map_find(map, slice_from_string(argument));
    if (template)
        slice_copy_string(macro_text(template), text, sizeof(text));
    return is_string(text, expected, argument);
}

/* The file of STRESS_README, and what else a file may have. */
static void test_file(void)
{
    struct rbl_reply_map *map =
        parse("# With Postfix 2.3-2.5 use \"421\" to hang up connections.\n"
              "zen.example=127.0.0.10 521 4.7.1 Service unavailable;\n"
              " $rbl_class [$rbl_what] blocked using\n"
              " $rbl_domain${rbl_reason?; $rbl_reason}\n"
              "\n"
              "zen.example=127.0.0.11 521 4.7.1 Service unavailable;\r\n"
              "\t$rbl_class [$rbl_what] blocked  \r\n"
              "  # a comment in between\n"
              "\n"
              "   \t  \n"
              "\tusing it   \r\n"
              "#zen.example=127.0.0.12 521 no\n"
              "Zen.Example\t\t\t554 the rest\n"
              "other.example  554 no   blanks lost\n"
              "c.example 554 # is no comment here\n"
              "last.example 554 without newline");
    if (!ok(map != NULL, "a file")) {
        error_list_print(&errors, "#", stdout);
        return;
    }
    is_number(rbl_reply_map_count(map), 6, "entries");
    is_found(map, "zen.example=127.0.0.10",
             "521 4.7.1 Service unavailable; $rbl_class [$rbl_what] blocked using "
             "$rbl_domain${rbl_reason?; $rbl_reason}");
    is_found(map, "zen.example=127.0.0.11",
             "521 4.7.1 Service unavailable;\r\t$rbl_class [$rbl_what] blocked  \r\tusing it");
    is_found(map, "ZEN.example=127.0.0.10",
             "521 4.7.1 Service unavailable; $rbl_class [$rbl_what] blocked using "
             "$rbl_domain${rbl_reason?; $rbl_reason}");
    is_found(map, "zen.example=127.0.0.12", "554 the rest");
    is_found(map, "zen.example", "554 the rest");
    is_found(map, "other.example", "554 no   blanks lost");
    is_found(map, "c.example", "554 # is no comment here");
    is_found(map, "last.example", "554 without newline");
    is_found(map, "zen.exampl", "(none)");
    is_found(map, "zen.example.org", "(none)");
    is_found(map, "zen", "(none)");
    is_found(map, "=127.0.0.10", "(none)");
    is_found(map, "", "(none)");
    rbl_reply_map_free(map);
    rbl_reply_map_free(NULL);
}

static const struct {
    const char *text;
    size_t count;
} files[] = {
    {"", 0},
    {"\n\n", 0},
    {"# only comments\n   # and more\n\t\n", 0},
    {" # no orphan\n", 0},
    {"a.example 554 x\n", 1},
    {"a.example 554 x\nb.example 554 x\n\n c\n", 2},
    {"a.example\n 554 x\n", 1},
    {"a.example=127.0.0.2 554 x\na.example 554 y", 2},
    {"\"a b\".example 554 x\n", 1},
    {"a\\ b 554 x\n", 1},
    {"a.example 554 gr\xc3\xbc\xc3\x9f\n", 1},
};

static const struct {
    const char *text, *problems[4];
} wrong[] = {
    {"a.example\n", {"map:1: a domain without a template"}},
    {"a.example   \n\n", {"map:1: a domain without a template"}},
    {"\n\n#x\na.example 554 x\nb.example\n#\nc.example",
     {"map:5: a domain without a template", "map:7: a domain without a template"}},
    {" 554 x\n", {"map:1: begins with white space, but continues nothing"}},
    {"a.example: 554 x\n", {"map:1: the domain ends with a colon"}},
    {"a\"b.example 554 x\n", {"map:1: \" without another"}},
    {"a.example 554 \xfc\n", {"map:1: is not UTF-8"}},
    {"a.example OK\n",
     {"map:1: template of \"a.example\": the reply can begin with \"OK\": it has to be a code "
      "4xx or 5xx and a space, whatever the values are"}},
    {"a.example 554 $nonsense\nb.example 554 x\nc.example 554 ${rbl_what\n d=e 554\n",
     {"map:1: template of \"a.example\": unknown name at \"nonsense\"",
      "map:3: template of \"c.example\": no end of the macro at \"${rbl_what d=e 554\""}},
    {"# comment\na.example=127.0.0.2\n# another\n   554\n   ${rbl_reason?x}$\n",
     {"map:2: template of \"a.example\\x3d127.0.0.2\": $ without a name at \"$\""}},
    {"a.example 554 x\nb.example 554 y\nA.Example 554 z\na.example 554 x\n",
     {"map:3: \"A.Example\" is in line 1 already",
      "map:4: \"a.example\" is in line 3 already"}},
};

static void test_files(void)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct rbl_reply_map *map = parse(files[i].text);
        ok(map && rbl_reply_map_count(map) == files[i].count && error_list_is_empty(&errors),
           "file %zu", i);
        for (size_t j = 1; map && j < rbl_reply_map_count(map); j++)
            ok(strcasecmp(rbl_reply_map_key(map, j - 1).data, rbl_reply_map_key(map, j).data) <
                   0,
               "... entries are sorted");
        rbl_reply_map_free(map);
    }
}

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t count = 0;
        ok(!parse(wrong[i].text), "wrong file %zu", i);
        while (count < 4 && wrong[i].problems[count])
            count++;
        is_number(errors.count, count, "... with as many problems");
        for (size_t j = 0; j < count && j < errors.count; j++)
            is_string(errors.errors[j].text, wrong[i].problems[j], "... namely");
    }
    error_list_init(&errors);
    ok(!rbl_reply_map_parse("map", (struct slice){"a 554 \0x", 8}, 554, &errors),
       "a zero byte");
    is_string(errors.errors[0].text, "map:1: has a zero byte", "... says so");
}

static void test_code(void)
{
    error_list_init(&errors);
    struct rbl_reply_map *map = rbl_reply_map_parse(
        "map", SLICE_LITERAL("a ${{$rbl_code} == {450}?{450 x}:{no}}"), 450, &errors);
    ok(map != NULL, "rbl_code is known when templates are checked");
    rbl_reply_map_free(map);
    ok(!parse("a ${{$rbl_code} == {450}?{450 x}:{no}}"), "... with another value too");
}

static void test_limits(void)
{
    size_t size = RBL_REPLY_MAP_SIZE_MAX + 2, length = 0;
    char *text = malloc(size);
    if (!text)
        abort();
    for (int i = 0; i < RBL_REPLY_MAP_ENTRIES_MAX; i++)
        length += (size_t)snprintf(text + length, size - length, "a%d.example 554 x\n", i);
    struct rbl_reply_map *map = parse(text);
    ok(map && rbl_reply_map_count(map) == RBL_REPLY_MAP_ENTRIES_MAX, "as many as can be");
    is_found(map, "a0.example", "554 x");
    is_found(map, "A4095.EXAMPLE=127.0.0.2", "554 x");
    rbl_reply_map_free(map);
    snprintf(text + length, size - length, "b.example 554 x\n");
    ok(!parse(text), "one more");
    is_string(errors.errors[0].text, "map:4097: too many entries", "... says so");

    memset(text, 'x', size);
    memcpy(text, "a 554 ", 6);
    text[9000] = '\n';
    text[9001] = '\0';
    ok(!parse(text), "a long line");
    is_string(errors.errors[0].text, "map:1: the line is too long", "... says so");
    text[4500] = '\n';
    text[4501] = ' ';
    ok(!parse(text), "one of two lines");
    is_string(errors.errors[0].text, "map:1: the line is too long", "... says so");
    text[5000] = '\0';
    ok(!parse(text), "a long template");
    is_string(errors.errors[0].text,
              "map:1: template of \"a\": 4997 bytes, allowed: at most 4096", "... says so");

    error_list_init(&errors);
    memset(text, '\n', size);
    map =
        rbl_reply_map_parse("map", (struct slice){text, RBL_REPLY_MAP_SIZE_MAX}, 554, &errors);
    ok(map != NULL, "the longest file");
    rbl_reply_map_free(map);
    ok(!rbl_reply_map_parse("map", (struct slice){text, RBL_REPLY_MAP_SIZE_MAX + 1}, 554,
                            &errors),
       "one that is too long");
    is_string(errors.errors[0].text, "map: 1048577 bytes, allowed: at most 1048576",
              "... says so");
    free(text);
}

int main(void)
{
    test_file();
    test_files();
    test_wrong();
    test_code();
    test_limits();
    return done_testing();
}
