/*
 * Fuzzer of the filters of DNS lists: a filter is refused with a reason, or means the same
 * alone, in brackets, in braces and as part of a check.
 */
#include "common/rbl_answer.h"
#include "common/rbl_check.h"
#include "common/rbl_filter.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 400

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool parse(const char *before, struct slice text, const char *after,
                  struct rbl_filter *filter)
{
    char whole[TEXT_MAX + 64];
    struct error error = {""};
    size_t length = strlen(before);
    memcpy(whole, before, length);
    if (text.length)
        memcpy(whole + length, text.data, text.length);
    length += text.length;
    memcpy(whole + length, after, strlen(after));
    length += strlen(after);
    bool is_parsed = rbl_filter_parse((struct slice){whole, length}, filter, &error);
    require(is_parsed == (error.text[0] == '\0'));
    for (const char *c = error.text; *c; c++)
        require(*c >= ' ' && *c <= '~');
    return is_parsed;
}

static bool is_same(const struct rbl_filter *a, const struct rbl_filter *b)
{
    return a->count == b->count &&
           memcmp(a->patterns, b->patterns, a->count * sizeof(a->patterns[0])) == 0;
}

static void check_matches(const struct rbl_filter *filter)
{
    bool can_match = rbl_filter_can_match(filter), matches = false;
    for (uint32_t i = 0; i < 0x10000; i += 7) {
        uint32_t address = 0x7f000000U | (i >> 8) << 16 | (i & 255);
        matches =
            matches || (rbl_filter_matches(filter, address) && rbl_address_counts(address));
    }
    require(can_match || !matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice text = {(const char *)bytes, size < TEXT_MAX ? size : TEXT_MAX};
    struct rbl_filter filter, other;
    struct rbl_check check;
    struct error error;
    char check_text[TEXT_MAX + 64] = "reject_rbl_client a.example=";
    size_t length = strlen(check_text);
    if (text.length)
        memcpy(check_text + length, text.data, text.length);
    bool is_check =
        rbl_check_parse((struct slice){check_text, length + text.length}, &check, &error);
    require(!is_check || check.filter.count > 0);
    if (!parse("", text, "", &filter))
        return 0;
    require(filter.count > 0 && filter.count <= RBL_FILTER_PATTERNS_MAX);
    check_matches(&filter);
    require(!is_check || is_same(&filter, &check.filter));
    require(is_check == rbl_filter_can_match(&filter));
    if (text.data[0] == '{')
        return 0;
    require(parse("{", text, "}", &other) && is_same(&filter, &other));
    require(parse("{ ,", text, ", }", &other) && is_same(&filter, &other));
    if (text.data[0] != '[' || text.data[text.length - 1] != ']')
        require(parse("[", text, "]", &other) && is_same(&filter, &other));
    return 0;
}
