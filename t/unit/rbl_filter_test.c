#include "common/rbl_filter.h"
#include "t/unit/tap.h"

#include "common/address.h"

static uint32_t address_of(struct slice text)
{
    struct address address;
    if (!address_parse(text, &address))
        return 0;
    return (uint32_t)address.bytes[0] << 24 | (uint32_t)address.bytes[1] << 16 |
           (uint32_t)address.bytes[2] << 8 | address.bytes[3];
}

static bool contains(const struct rbl_filter *filter, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        if (!rbl_filter_matches(filter, address_of((struct slice){list, length})))
            return false;
        list += length + strspn(list + length, " ");
    }
    return true;
}

static bool contains_any(const struct rbl_filter *filter, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        if (rbl_filter_matches(filter, address_of((struct slice){list, length})))
            return true;
        list += length + strspn(list + length, " ");
    }
    return false;
}

/* The syntax of Postfix's ip_match(3): each pattern, what it matches, what it does not. */
static const struct {
    const char *filter, *matching, *others;
} filters[] = {
    {"1.2.3.4", "1.2.3.4", "1.2.3.5 1.2.4.4 1.3.3.4 2.2.3.4 0.0.0.0"},
    {"1.2.[3].4", "1.2.3.4", "1.2.2.4 1.2.4.4"},
    {"1.2.[1..127;128..255].5", "1.2.1.5 1.2.127.5 1.2.128.5 1.2.255.5", "1.2.0.5 1.2.1.6"},
    {"1.2.3.[4]", "1.2.3.4", "1.2.3.3 1.2.3.5"},
    {"1.2.[3..11].5", "1.2.3.5 1.2.11.5", "1.2.2.5 1.2.12.5 1.2.11.6"},
    {"1.2.[3;5;7;9;11].5", "1.2.3.5 1.2.11.5", "1.2.2.5 1.2.4.5 1.2.12.5 1.2.11.6"},
    {"[1;2].3.4.5", "1.3.4.5 2.3.4.5", "3.3.4.5"},
    {"[[1;2].3.4.5]", "1.3.4.5 2.3.4.5", "3.3.4.5"},
    {"[1.2.3.4]", "1.2.3.4", "1.2.3.5"},
    {"127.0.0.[2;4..8]", "127.0.0.2 127.0.0.4 127.0.0.8", "127.0.0.1 127.0.0.3 127.0.0.9"},
    {"[127].[0].[0].[10..11]", "127.0.0.10 127.0.0.11", "127.0.0.9 127.0.0.12"},
    {"127.0.[0..255].[1..3]", "127.0.0.1 127.0.255.3", "127.0.0.4 127.1.0.1"},
    {"127.0.0.[5..5]", "127.0.0.5", "127.0.0.4 127.0.0.6"},
    {"127.0.0.[8;2..3;2]", "127.0.0.8 127.0.0.2 127.0.0.3", "127.0.0.4"},
    {"127.000.0.002", "127.0.0.2", "127.0.0.3"},
    {"255.255.255.255", "255.255.255.255", "255.255.255.254"},
    {"{127.0.0.2}", "127.0.0.2", "127.0.0.3"},
    {"{127.0.0.2 127.0.1.[4..6]}", "127.0.0.2 127.0.1.4 127.0.1.6", "127.0.0.4 127.0.1.2"},
    {"{ 127.0.0.2,127.0.0.3, 127.0.0.4 }", "127.0.0.2 127.0.0.3 127.0.0.4", "127.0.0.5"},
    {"{1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8}", "1.1.1.1 1.1.1.8",
     "1.1.1.9"},
};

static const struct {
    const char *filter, *error;
} wrong[] = {
    {"", "a number from 0 to 255, or \"[\" expected at the end of the filter"},
    {"1.2.300.4", "a number from 0 to 255, or \"[\" expected at \"300.4\""},
    {"1.2.3000.4", "a number from 0 to 255, or \"[\" expected at \"3000.4\""},
    {"1.2.99999999999999999999.4",
     "a number from 0 to 255, or \"[\" expected at \"99999999999999999999\""},
    {"1.2.3.", "a number from 0 to 255, or \"[\" expected at the end of the filter"},
    {"1.2.3", "\".\" expected at the end of the filter"},
    {"a", "a number from 0 to 255, or \"[\" expected at \"a\""},
    {"1.2.3;4", "\".\" expected at \";4\""},
    {"1.2.[].4", "a number from 0 to 255 expected at \"].4\""},
    {"1.2.[.4", "a number from 0 to 255 expected at \".4\""},
    {"1.2.].4", "a number from 0 to 255, or \"[\" expected at \"].4\""},
    {"1.2.[1-255].5", "\"..\", \";\" or \"]\" expected at \"-255].5\""},
    {"1.2.[1..127.128..255].5", "\"..\", \";\" or \"]\" expected at \".128..255].5\""},
    {"1.2.3.[4..1]", "the larger end of the range expected at \"1]\""},
    {"1.2.3.[4.1]", "\"..\" expected at \"1]\""},
    {"1.2.3.[4.x]", "\"..\" expected at \"x]\""},
    {"1.2.3.[4..x]", "a number from 0 to 255 expected at \"x]\""},
    {"1.2.3.[4..256]", "a number from 0 to 255 expected at \"256]\""},
    {"1.2.3.[x]", "a number from 0 to 255 expected at \"x]\""},
    {"1.2.3.[4;]", "a number from 0 to 255 expected at \"]\""},
    {"1.2.3.[4", "\"..\", \";\" or \"]\" expected at the end of the filter"},
    {"1.2.3.4x", "nothing more expected at \"x\""},
    {"1.2.3.4.5", "nothing more expected at \".5\""},
    {"1.2.3.[4]5", "nothing more expected at \"5\""},
    {" 1.2.3.4", "a number from 0 to 255, or \"[\" expected at \" 1.2.3.4\""},
    {"1.2.3.4 ", "nothing more expected at \" \""},
    {"[[1;2].3.4.5", "a number from 0 to 255 expected at \"[1;2].3.4.5\""},
    {"1;2].3.4.5", "\".\" expected at \";2].3.4.5\""},
    {"]1.2.3.4[", "a number from 0 to 255, or \"[\" expected at \"]1.2.3.4[\""},
    {"[]", "a number from 0 to 255, or \"[\" expected at the end of the filter"},
    {"[", "a number from 0 to 255 expected at the end of the filter"},
    {"{}", "a pattern expected in \"{}\""},
    {"{ , }", "a pattern expected in \"{}\""},
    {"{", "\"}\" expected at the end of the filter"},
    {"{1.2.3.4", "\"}\" expected at the end of the filter"},
    {"{1.2.3.4 x}", "a number from 0 to 255, or \"[\" expected at \"x\""},
    {"{{1.2.3.4}}", "a number from 0 to 255, or \"[\" expected at \"{1.2.3.4}\""},
    {"{1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9}",
     "more than 8 patterns in a filter"},
    {"1.2.\x01\xff", "a number from 0 to 255, or \"[\" expected at \"??\""},
};

static void test_right(void)
{
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct rbl_filter filter;
        struct error error = {""};
        bool is_parsed =
            rbl_filter_parse(slice_from_string(filters[i].filter), &filter, &error);
        if (!ok(is_parsed, "%s", filters[i].filter)) {
            printf("# %s\n", error.text);
            continue;
        }
        ok(contains(&filter, filters[i].matching), "... matches %s", filters[i].matching);
        ok(!contains_any(&filter, filters[i].others), "... not %s", filters[i].others);
    }
    struct rbl_filter none = {0};
    ok(rbl_filter_matches(&none, 0) && rbl_filter_matches(&none, 0x7f000002) &&
           rbl_filter_matches(&none, UINT32_MAX),
       "no filter matches everything");
}

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct rbl_filter filter = {.count = 77};
        struct error error = {""};
        ok(!rbl_filter_parse(slice_from_string(wrong[i].filter), &filter, &error),
           "refused: %s", wrong[i].filter);
        is_string(error.text, wrong[i].error, "... because");
        is_number(filter.count, 77, "... and nothing is written");
    }
}

static void test_can_match(void)
{
    static const struct {
        const char *filter;
        bool can_match;
    } cases[] = {
        {"127.0.0.2", true},
        {"127.0.0.1", false},
        {"127.0.0.[1..2]", true},
        {"127.[0..1].0.1", true},
        {"127.0.[0..1].1", true},
        {"127.255.255.254", false},
        {"127.255.255.[0..255]", false},
        {"127.255.[254..255].9", true},
        {"127.[0;255].[0;255].1", true},
        {"128.0.0.2", false},
        {"[126..128].0.0.2", true},
        {"{127.0.0.1 127.255.255.1}", false},
        {"{127.0.0.1 127.0.0.3}", true},
        {"127.255.255.0", false},
        {"127.0.0.0", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rbl_filter filter;
        struct error error;
        ok(rbl_filter_parse(slice_from_string(cases[i].filter), &filter, &error) &&
               rbl_filter_can_match(&filter) == cases[i].can_match,
           "%s %s match what counts", cases[i].filter, cases[i].can_match ? "can" : "cannot");
    }
    ok(rbl_filter_can_match(&(struct rbl_filter){0}), "no filter can");
}

int main(void)
{
    test_right();
    test_wrong();
    test_can_match();
    return done_testing();
}
