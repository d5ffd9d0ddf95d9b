#include "common/rbl_check.h"

#include "common/escape.h"

#include <stdio.h>

#define SHOWN_SIZE 48 /* of a wrong word, in an error */

static const struct rbl_restriction restrictions[] = {
    {"reject_rbl_client", RBL_SUBJECT_CLIENT_ADDRESS, false},
    {"reject_rhsbl_client", RBL_SUBJECT_CLIENT_NAME, false},
    {"reject_rhsbl_reverse_client", RBL_SUBJECT_REVERSE_CLIENT_NAME, false},
    {"reject_rhsbl_helo", RBL_SUBJECT_HELO, false},
    {"reject_rhsbl_sender", RBL_SUBJECT_SENDER, false},
    {"reject_rhsbl_recipient", RBL_SUBJECT_RECIPIENT, false},
    {"permit_dnswl_client", RBL_SUBJECT_CLIENT_ADDRESS, true},
    {"permit_rhswl_client", RBL_SUBJECT_CLIENT_NAME, true},
};
#define RESTRICTION_COUNT (sizeof(restrictions) / sizeof(restrictions[0]))

static bool fail(struct error *error, const char *what, struct slice text)
{
    char shown[SHOWN_SIZE];
    escape_text(text, shown, sizeof(shown));
    return error_set(error, "%s \"%s\"", what, text.length ? shown : "");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice text)
{
    while (text.length && is_space(text.data[0]))
        text = (struct slice){text.data + 1, text.length - 1};
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

/* Splits off what follows the first c; false when there is none. */
static bool split(struct slice *text, char c, struct slice *after_r)
{
    const char *found = text->length ? memchr(text->data, c, text->length) : NULL;
    if (!found)
        return false;
    size_t length = (size_t)(found - text->data);
    *after_r = (struct slice){found + 1, text->length - length - 1};
    text->length = length;
    return true;
}

static const struct rbl_restriction *find_restriction(struct slice name)
{
    for (size_t i = 0; i < RESTRICTION_COUNT; i++)
        if (slice_equals_ignoring_case(name, slice_from_string(restrictions[i].name)))
            return &restrictions[i];
    return NULL;
}

static bool parse_weight(struct slice text, struct rbl_check *check, struct error *error)
{
    struct slice digits = text;
    bool is_negative = text.length > 0 && text.data[0] == '-';
    if (text.length > 0 && (is_negative || text.data[0] == '+'))
        digits = (struct slice){text.data + 1, text.length - 1};
    int weight = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || weight > RBL_WEIGHT_MAX)
            return fail(error, "no weight:", text);
        weight = 10 * weight + (digits.data[i] - '0');
    }
    if (weight == 0 || weight > RBL_WEIGHT_MAX)
        return fail(error, "no weight from -1000 to 1000 other than 0:", text);
    check->has_weight = true;
    check->weight = is_negative ? -weight : weight;
    return true;
}

static bool parse_domain(struct slice domain, struct rbl_check *check, struct error *error)
{
    if (!dnsbl_is_hostname(domain))
        return fail(error, "no domain name:", domain);
    if (!slice_copy_string(domain, check->zone, sizeof(check->zone)))
        return error_set(error, "the domain has more than %d bytes", RBL_ZONE_MAX);
    for (char *c = check->zone; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    check->domain_length = domain.length;
    return true;
}

bool rbl_check_parse(struct slice text, struct rbl_check *check_r, struct error *error)
{
    struct rbl_check check = {.weight = 1};
    struct slice name = trim(text), argument = {"", 0}, weight, filter;
    size_t length = 0;
    while (length < name.length && !is_space(name.data[length]))
        length++;
    argument = trim((struct slice){name.data + length, name.length - length});
    name.length = length;

    check.restriction = find_restriction(name);
    if (!check.restriction)
        return fail(error, "no restriction of a DNS list:", name);
    if (argument.length == 0)
        return error_set(error, "no domain after %s", check.restriction->name);
    if (split(&argument, '*', &weight) && !parse_weight(weight, &check, error))
        return false;
    if (!slice_copy_string(argument, check.argument, sizeof(check.argument)))
        return error_set(error, "the argument has more than %d bytes", RBL_ARGUMENT_MAX);
    struct slice domain = argument;
    bool has_filter = split(&domain, '=', &filter);
    if (!parse_domain(domain, &check, error) ||
        (has_filter && !rbl_filter_parse(filter, &check.filter, error)))
        return false;
    if (!rbl_filter_can_match(&check.filter))
        return error_set(error, "the filter has no address that counts as listed: those "
                                "in 127.0.0.0/8 but 127.0.0.1 and 127.255.255.0/24");
    *check_r = check;
    return true;
}

struct slice rbl_check_domain(const struct rbl_check *check)
{
    return (struct slice){check->argument, check->domain_length};
}

size_t rbl_check_format_action(const struct rbl_check *check, char *out, size_t out_size)
{
    int length = snprintf(out, out_size, "%s %s", check->restriction->name, check->argument);
    return length < 0 ? 0 : (size_t)length < out_size ? (size_t)length : out_size - 1;
}
