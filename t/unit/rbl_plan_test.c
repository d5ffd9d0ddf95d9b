#include "common/rbl_plan.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct rbl_plan plan;

static bool add(const char *text, const char *expected_error)
{
    struct error error = {""};
    bool is_added = rbl_plan_add_check(&plan, slice_from_string(text), &error);
    if (!expected_error)
        return ok(is_added, "added: %s", text) || (printf("# %s\n", error.text), false);
    ok(!is_added, "refused: %s", text);
    return is_string(error.text, expected_error, "... because");
}

static void test_queries(void)
{
    rbl_plan_init(&plan, 0);
    add("reject_rbl_client zen.example=127.0.0.[10..11]", NULL);
    add("reject_rbl_client zen.example=127.0.0.4", NULL);
    add("reject_rbl_client ZEN.example", NULL);
    add("permit_dnswl_client zen.example=127.0.0.9", NULL);
    add("reject_rhsbl_client zen.example", NULL);
    add("reject_rhsbl_helo dbl.example", NULL);
    add("reject_rhsbl_sender dbl.example", NULL);
    add("permit_dnswl_client list.example", NULL);
    is_number(plan.check_count, 8, "checks");
    is_number(plan.query_count, 5, "queries: one for each subject and zone");
    is_number(plan.list_count, 3, "lists");
    static const size_t queries[] = {0, 0, 0, 0, 1, 2, 3, 4};
    for (size_t i = 0; i < 8; i++)
        is_number(plan.checks[i].query, queries[i], "query of a check");
    static const struct rbl_query expected[] = {{RBL_SUBJECT_CLIENT_ADDRESS, 0},
                                                {RBL_SUBJECT_CLIENT_NAME, 0},
                                                {RBL_SUBJECT_HELO, 1},
                                                {RBL_SUBJECT_SENDER, 1},
                                                {RBL_SUBJECT_CLIENT_ADDRESS, 2}};
    for (size_t i = 0; i < 5; i++)
        ok(plan.queries[i].subject == expected[i].subject &&
               plan.queries[i].list == expected[i].list,
           "query %zu", i);
    ok(slice_equals(rbl_plan_zone(&plan, 3), SLICE_LITERAL("dbl.example")), "zone of a query");
    ok(plan.lists[0].has_reject && plan.lists[0].has_permit, "the first list has both kinds");
    ok(plan.lists[1].has_reject && !plan.lists[1].has_permit, "the second rejects");
    ok(!plan.lists[2].has_reject && plan.lists[2].has_permit, "the third permits");
    add("reject_rbl_client zen.EXAMPLE", "is in the list twice");
    add("reject_rbl_client zen", NULL);
    add("nonsense", "no restriction of a DNS list: \"nonsense\"");
    is_number(plan.check_count, 9, "what is refused is not there");
}

static void test_weights(void)
{
    struct error error;
    rbl_plan_init(&plan, 0);
    add("reject_rbl_client a.example*2",
        "has a weight, but rbl.threshold is 0: the first match decides");
    ok(rbl_plan_check(&plan, &error), "no checks are fine");
    rbl_plan_init(&plan, 5);
    ok(rbl_plan_check(&plan, &error), "... also with a threshold");
    add("reject_rbl_client a.example*2", NULL);
    add("reject_rbl_client b.example*-2", NULL);
    add("permit_dnswl_client c.example*3",
        "the weight of an allow list is negative; without a weight it decides alone");
    add("permit_dnswl_client c.example*-3", NULL);
    add("permit_dnswl_client d.example", NULL);
    add("reject_rbl_client e.example", NULL);
    add("reject_rbl_client f.example", NULL);
    ok(!rbl_plan_check(&plan, &error), "a threshold that cannot be reached");
    is_string(error.text, "5 is above the sum of all weights", "... says so");
    add("reject_rbl_client g.example", NULL);
    ok(rbl_plan_check(&plan, &error), "one that can");
}

static bool set(const char *text, const char *expected_error)
{
    struct error error = {""};
    bool is_set = rbl_plan_set_test(&plan, slice_from_string(text), &error);
    if (!expected_error)
        return ok(is_set, "set: %s", text) || (printf("# %s\n", error.text), false);
    ok(!is_set, "refused: %s", text);
    return is_string(error.text, expected_error, "... because");
}

static void test_test_points(void)
{
    struct rbl_list *lists = plan.lists;
    char name[DNSBL_NAME_SIZE];
    rbl_plan_init(&plan, 0);
    add("reject_rbl_client a.example", NULL);
    add("reject_rhsbl_helo b.example", NULL);
    is_string(lists[0].listed_name, "2.0.0.127.a.example", "listed by default");
    is_string(lists[0].unlisted_name, "1.0.0.127.a.example", "... and not listed");
    is_string(lists[1].listed_name, "test.b.example", "listed, of domains");
    is_string(lists[1].unlisted_name, "invalid.b.example", "... and not listed");

    ok(rbl_plan_control_name(&lists[0], 0, name), "a fresh name");
    is_string(name, "0.0.128.127.a.example", "... is an address that nobody asks for");
    rbl_plan_control_name(&lists[0], UINT32_MAX, name);
    is_string(name, "255.255.191.127.a.example", "... whatever the number");
    ok(rbl_plan_control_name(&lists[1], 0xabc, name), "a fresh domain");
    is_string(name, "00000abc.invalid.b.example", "... below invalid");

    set("A.Example 127.0.0.9 127.0.0.10", NULL);
    is_string(lists[0].listed_name, "9.0.0.127.a.example", "other points");
    is_string(lists[0].unlisted_name, "10.0.0.127.a.example", "... both");
    ok(!rbl_plan_control_name(&lists[0], 1, name) && name[0] == '\0', "... and no fresh names");
    set("a.example ::FFFF:7F00:2 ::ffff:127.0.0.1", NULL);
    is_string(lists[0].listed_name,
              "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.example",
              "points of IPv6");
    set("\tb.example  Test.example\tgood.example ", NULL);
    is_string(lists[1].listed_name, "test.example.b.example", "other domains");
    set("b.example OFF", NULL);
    ok(!lists[1].listed_name[0] && !lists[1].unlisted_name[0], "no test");
    set("", "neither \"ZONE off\" nor \"ZONE LISTED UNLISTED\"");
    set("a.example", "neither \"ZONE off\" nor \"ZONE LISTED UNLISTED\"");
    set("a.example on", "neither \"ZONE off\" nor \"ZONE LISTED UNLISTED\"");
    set("a.example 127.0.0.2 127.0.0.1 x", "neither \"ZONE off\" nor \"ZONE LISTED UNLISTED\"");
    set("c.example off", "no check refers to this zone");
    set("a.example 127.0.0.2 127.0.0", "a test point is neither an address nor a domain");
    set("a.example -x- test", "a test point is neither an address nor a domain");
    set("a.example 127.0.0.2 127.0.0.2", "both test points are the same");
}

static void test_limits(void)
{
    char text[80];
    rbl_plan_init(&plan, 0);
    for (int i = 0; i < RBL_LISTS_MAX; i++) {
        snprintf(text, sizeof(text), "reject_rbl_client a%d.example", i);
        add(text, NULL);
    }
    add("reject_rbl_client b.example", "more than 32 lists");
    for (int i = 0; i < RBL_LISTS_MAX; i++) {
        snprintf(text, sizeof(text), "reject_rhsbl_helo a%d.example", i);
        add(text, NULL);
    }
    add("reject_rhsbl_sender a0.example", "more than 64 lookups for a client");
    for (int i = 0; i < RBL_CHECKS_MAX - 2 * RBL_LISTS_MAX; i++) {
        snprintf(text, sizeof(text), "reject_rbl_client a0.example=127.0.0.%d", i + 2);
        add(text, NULL);
    }
    add("reject_rbl_client a0.example=127.0.1.1", "more than 128 checks");
    is_number(plan.list_count, RBL_LISTS_MAX, "lists");
    is_number(plan.query_count, RBL_QUERIES_MAX, "queries");
    is_number(plan.check_count, RBL_CHECKS_MAX, "checks");
}

int main(void)
{
    test_queries();
    test_weights();
    test_test_points();
    test_limits();
    return done_testing();
}
