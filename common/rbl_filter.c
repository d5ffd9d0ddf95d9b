#include "common/rbl_filter.h"

#include "common/rbl_answer.h"

#define EXCERPT_MAX 20 /* characters of a filter shown in an error */

/* What is left to parse. */
struct reader {
    struct slice rest;
    struct error *error;
};

static bool fail(const struct reader *reader, const char *expected)
{
    size_t length = reader->rest.length < EXCERPT_MAX ? reader->rest.length : EXCERPT_MAX;
    char excerpt[EXCERPT_MAX + 1];
    for (size_t i = 0; i < length; i++) {
        char c = reader->rest.data[i];
        excerpt[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    excerpt[length] = '\0';
    if (length == 0)
        return error_set(reader->error, "%s expected at the end of the filter", expected);
    return error_set(reader->error, "%s expected at \"%s\"", expected, excerpt);
}

static bool skip(struct reader *reader, char c)
{
    if (reader->rest.length == 0 || reader->rest.data[0] != c)
        return false;
    reader->rest.data++;
    reader->rest.length--;
    return true;
}

/* 0 to 255, leading zeros allowed. Nothing is taken when it is something else. */
static bool take_octet(struct reader *reader, unsigned *value_r)
{
    const struct slice text = reader->rest;
    unsigned value = 0;
    size_t length = 0;
    for (; length < text.length && text.data[length] >= '0' && text.data[length] <= '9';
         length++) {
        value = 10 * value + (unsigned)(text.data[length] - '0');
        if (value > 255)
            return false;
    }
    reader->rest = (struct slice){text.data + length, text.length - length};
    *value_r = value;
    return length > 0;
}

static void set_range(uint8_t octet[static 32], unsigned first, unsigned last)
{
    for (unsigned value = first; value <= last; value++)
        octet[value / 8] |= (uint8_t)(1U << value % 8);
}

/* "2;4..8]", what follows "[". */
static bool take_sequence(struct reader *reader, uint8_t octet[static 32])
{
    do {
        unsigned first, last;
        if (!take_octet(reader, &first))
            return fail(reader, "a number from 0 to 255");
        last = first;
        if (skip(reader, '.')) {
            if (!skip(reader, '.'))
                return fail(reader, "\"..\"");
            const struct reader before = *reader;
            if (!take_octet(reader, &last))
                return fail(reader, "a number from 0 to 255");
            if (last < first)
                return fail(&before, "the larger end of the range");
        }
        set_range(octet, first, last);
    } while (skip(reader, ';'));
    return skip(reader, ']') || fail(reader, "\"..\", \";\" or \"]\"");
}

static bool take_field(struct reader *reader, uint8_t octet[static 32])
{
    unsigned value;
    if (skip(reader, '['))
        return take_sequence(reader, octet);
    if (!take_octet(reader, &value))
        return fail(reader, "a number from 0 to 255, or \"[\"");
    set_range(octet, value, value);
    return true;
}

/* The text within when one pair of brackets encloses all of it, as in "[127.0.0.[2;4]]". */
static struct slice without_brackets(struct slice text)
{
    int level = 0;
    if (text.length == 0 || text.data[0] != '[')
        return text;
    for (size_t i = 0; i < text.length; i++) {
        level += (text.data[i] == '[') - (text.data[i] == ']');
        if (level == 0 && i + 1 < text.length)
            return text;
    }
    return level == 0 ? (struct slice){text.data + 1, text.length - 2} : text;
}

static bool parse_pattern(struct slice text, struct rbl_pattern *pattern_r, struct error *error)
{
    struct reader reader = {without_brackets(text), error};
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !skip(&reader, '.'))
            return fail(&reader, "\".\"");
        if (!take_field(&reader, pattern_r->octets[i]))
            return false;
    }
    return reader.rest.length == 0 || fail(&reader, "nothing more");
}

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static bool add_pattern(struct slice text, struct rbl_filter *filter, struct error *error)
{
    if (filter->count == RBL_FILTER_PATTERNS_MAX)
        return error_set(error, "more than %d patterns in a filter", RBL_FILTER_PATTERNS_MAX);
    return parse_pattern(text, &filter->patterns[filter->count++], error);
}

bool rbl_filter_parse(struct slice text, struct rbl_filter *filter_r, struct error *error)
{
    struct rbl_filter filter = {0};
    if (text.length == 0 || text.data[0] != '{') {
        if (!add_pattern(text, &filter, error))
            return false;
        *filter_r = filter;
        return true;
    }
    if (text.data[text.length - 1] != '}')
        return error_set(error, "\"}\" expected at the end of the filter");
    for (size_t i = 1; i + 1 < text.length;) {
        size_t end = i;
        while (end + 1 < text.length && !is_separator(text.data[end]))
            end++;
        if (end > i && !add_pattern((struct slice){text.data + i, end - i}, &filter, error))
            return false;
        i = end > i ? end : i + 1;
    }
    if (filter.count == 0)
        return error_set(error, "a pattern expected in \"{}\"");
    *filter_r = filter;
    return true;
}

static bool has(const uint8_t octet[static 32], unsigned value)
{
    return (octet[value / 8] >> value % 8 & 1) != 0;
}

static bool pattern_matches(const struct rbl_pattern *pattern, uint32_t address)
{
    return has(pattern->octets[0], address >> 24) &&
           has(pattern->octets[1], address >> 16 & 255) &&
           has(pattern->octets[2], address >> 8 & 255) &&
           has(pattern->octets[3], address & 255);
}

bool rbl_filter_matches(const struct rbl_filter *filter, uint32_t address)
{
    for (size_t i = 0; i < filter->count; i++)
        if (pattern_matches(&filter->patterns[i], address))
            return true;
    return filter->count == 0;
}

/* The patterns of an octet are independent of each other, so it is enough to try in 127.x.y.z
 * all x and y with the z that counts soonest: one that is set and, if there is one, not 1. */
static bool pattern_can_match(const struct rbl_pattern *pattern)
{
    unsigned last = 1;
    for (unsigned value = 0; value < 256; value++)
        if (value != 1 && has(pattern->octets[3], value))
            last = value;
    for (uint32_t middle = 0; middle < 0x10000; middle++) {
        uint32_t address = 0x7f000000U | middle << 8 | last;
        if (pattern_matches(pattern, address) && rbl_address_counts(address))
            return true;
    }
    return false;
}

bool rbl_filter_can_match(const struct rbl_filter *filter)
{
    for (size_t i = 0; i < filter->count; i++)
        if (pattern_can_match(&filter->patterns[i]))
            return true;
    return filter->count == 0;
}
