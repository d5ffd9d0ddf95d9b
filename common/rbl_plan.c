#include "common/rbl_plan.h"

#include <arpa/inet.h>
#include <stdio.h>

#define WORDS_MAX  3
#define SHOWN_SIZE 48

void rbl_plan_init(struct rbl_plan *plan, int threshold)
{
    memset(plan, 0, sizeof(*plan));
    plan->threshold = threshold;
}

struct slice rbl_plan_zone(const struct rbl_plan *plan, size_t query)
{
    return slice_from_string(plan->lists[plan->queries[query].list].zone);
}

static struct rbl_list *find_list(struct rbl_plan *plan, struct slice zone)
{
    for (size_t i = 0; i < plan->list_count; i++)
        if (slice_equals_ignoring_case(zone, slice_from_string(plan->lists[i].zone)))
            return &plan->lists[i];
    return NULL;
}

/* The name of a test point below the zone: of an address, else of a domain. */
static bool test_name(struct slice point, struct slice zone, char out[static DNSBL_NAME_SIZE])
{
    char text[ADDRESS_TEXT_SIZE];
    uint8_t bytes[16];
    struct address address;
    if (slice_copy_string(point, text, sizeof(text)) && inet_pton(AF_INET6, text, bytes) == 1)
        return dnsbl_name_from_ipv6(bytes, zone, out);
    if (address_parse(point, &address))
        return dnsbl_name_from_address(&address, zone, out);
    return dnsbl_name_from_domain(point, zone, out);
}

static struct rbl_list *add_list(struct rbl_plan *plan, const struct rbl_check *check)
{
    bool is_of_addresses = check->restriction->subject == RBL_SUBJECT_CLIENT_ADDRESS;
    struct rbl_list *list = &plan->lists[plan->list_count++];
    struct slice zone = slice_from_string(check->zone);
    slice_copy_string(zone, list->zone, sizeof(list->zone));
    test_name(slice_from_string(is_of_addresses ? "127.0.0.2" : "test"), zone,
              list->listed_name);
    test_name(slice_from_string(is_of_addresses ? "127.0.0.1" : "invalid"), zone,
              list->unlisted_name);
    list->has_control = true;
    list->is_of_addresses = is_of_addresses;
    return list;
}

/* The query's index, made where there is none yet; RBL_QUERIES_MAX: no room. */
static size_t find_query(struct rbl_plan *plan, enum rbl_subject subject, size_t list)
{
    for (size_t i = 0; i < plan->query_count; i++)
        if (plan->queries[i].subject == subject && plan->queries[i].list == list)
            return i;
    if (plan->query_count == RBL_QUERIES_MAX)
        return RBL_QUERIES_MAX;
    plan->queries[plan->query_count] = (struct rbl_query){subject, list};
    return plan->query_count++;
}

/* What a weight means depends on the threshold. */
static bool check_weight(const struct rbl_plan *plan, const struct rbl_check *check,
                         struct error *error)
{
    if (check->has_weight && plan->threshold == 0)
        return error_set(error,
                         "has a weight, but rbl.threshold is 0: the first match decides");
    if (check->has_weight && check->weight > 0 && check->restriction->is_permit)
        return error_set(error, "the weight of an allow list is negative; without a weight it "
                                "decides alone");
    return true;
}

static bool is_known(const struct rbl_plan *plan, const struct rbl_check *check)
{
    for (size_t i = 0; i < plan->check_count; i++)
        if (plan->checks[i].restriction == check->restriction &&
            slice_equals_ignoring_case(slice_from_string(plan->checks[i].argument),
                                       slice_from_string(check->argument)))
            return true;
    return false;
}

bool rbl_plan_add_check(struct rbl_plan *plan, struct slice text, struct error *error)
{
    if (plan->check_count == RBL_CHECKS_MAX)
        return error_set(error, "more than %d checks", RBL_CHECKS_MAX);
    struct rbl_check *check = &plan->checks[plan->check_count];
    if (!rbl_check_parse(text, check, error) || !check_weight(plan, check, error))
        return false;
    if (is_known(plan, check))
        return error_set(error, "is in the list twice");
    struct rbl_list *list = find_list(plan, slice_from_string(check->zone));
    if (!list && plan->list_count == RBL_LISTS_MAX)
        return error_set(error, "more than %d lists", RBL_LISTS_MAX);
    if (!list)
        list = add_list(plan, check);
    check->query = find_query(plan, check->restriction->subject, (size_t)(list - plan->lists));
    if (check->query == RBL_QUERIES_MAX)
        return error_set(error, "more than %d lookups for a client", RBL_QUERIES_MAX);
    if (check->restriction->is_permit)
        list->has_permit = true;
    else
        list->has_reject = true;
    plan->check_count++;
    return true;
}

/* Splits at white space; returns how many words there are, WORDS_MAX + 1 for more. */
static size_t split_words(struct slice text, struct slice words[static WORDS_MAX])
{
    size_t count = 0, i = 0;
    for (;;) {
        while (i < text.length && (text.data[i] == ' ' || text.data[i] == '\t'))
            i++;
        if (i == text.length)
            return count;
        if (count == WORDS_MAX)
            return WORDS_MAX + 1;
        size_t start = i;
        while (i < text.length && text.data[i] != ' ' && text.data[i] != '\t')
            i++;
        words[count++] = (struct slice){text.data + start, i - start};
    }
}

bool rbl_plan_set_test(struct rbl_plan *plan, struct slice text, struct error *error)
{
    struct slice words[WORDS_MAX];
    char listed[DNSBL_NAME_SIZE] = "", unlisted[DNSBL_NAME_SIZE] = "";
    size_t count = split_words(text, words);
    bool is_off = count == 2 && slice_equals_ignoring_case(words[1], SLICE_LITERAL("off"));
    if (!is_off && count != 3)
        return error_set(error, "neither \"ZONE off\" nor \"ZONE LISTED UNLISTED\"");
    struct rbl_list *list = find_list(plan, words[0]);
    if (!list)
        return error_set(error, "no check refers to this zone");
    struct slice zone = slice_from_string(list->zone);
    if (!is_off && (!test_name(words[1], zone, listed) || !test_name(words[2], zone, unlisted)))
        return error_set(error, "a test point is neither an address nor a domain");
    if (!is_off && strcmp(listed, unlisted) == 0)
        return error_set(error, "both test points are the same");
    list->has_control = false;
    memcpy(list->listed_name, listed, sizeof(listed));
    memcpy(list->unlisted_name, unlisted, sizeof(unlisted));
    return true;
}

bool rbl_plan_control_name(const struct rbl_list *list, uint32_t number,
                           char out[static DNSBL_NAME_SIZE])
{
    char point[32];
    out[0] = '\0';
    if (!list->has_control)
        return false;
    if (list->is_of_addresses) /* far from the low addresses, where lists have more test points
                                */
        snprintf(point, sizeof(point), "127.%u.%u.%u", 128 + (number >> 16 & 63),
                 number >> 8 & 255, number & 255);
    else
        snprintf(point, sizeof(point), "%08x.invalid", number);
    return test_name(slice_from_string(point), slice_from_string(list->zone), out);
}

bool rbl_plan_check(const struct rbl_plan *plan, struct error *error)
{
    int sum = 0;
    for (size_t i = 0; i < plan->check_count; i++)
        if (!plan->checks[i].restriction->is_permit && plan->checks[i].weight > 0)
            sum += plan->checks[i].weight;
    if (plan->check_count > 0 && sum < plan->threshold)
        return error_set(error, "%d is above the sum of all weights", plan->threshold);
    return true;
}
