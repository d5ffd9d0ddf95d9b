#include "common/rbl_value.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct rbl_plan plan;
static struct rbl_value value;
static char lines[8192];

static void make_plan(void)
{
    static const char *const checks[] = {
        "reject_rbl_client a.example", "reject_rbl_client b.example",
        "reject_rbl_client c.example", "permit_dnswl_client w.example"};
    struct error error;
    rbl_plan_init(&plan, 0);
    for (size_t i = 0; i < 4; i++)
        if (!rbl_plan_add_check(&plan, slice_from_string(checks[i]), &error))
            abort();
}

static void add_clients(int count, uint32_t answered, uint32_t matched, uint32_t needed)
{
    const struct rbl_involved involved = {answered, matched, needed};
    for (int i = 0; i < count; i++)
        rbl_value_add_client(&value, plan.list_count, &involved);
}

static void add_line(void *context, const char *line)
{
    size_t length = strlen(lines);
    (void)context;
    snprintf(lines + length, sizeof(lines) - length, "%s\n", line);
}

static const char *report(void)
{
    lines[0] = '\0';
    rbl_value_report(&value, &plan, add_line, NULL);
    return lines;
}

static void add_field(void *context, const char *zone, const char *name, uint64_t number)
{
    size_t length = strlen(lines);
    (void)context;
    snprintf(lines + length, sizeof(lines) - length, "%s %s %llu\n", zone, name,
             (unsigned long long)number);
}

static const char *fields(const struct rbl_value *since)
{
    lines[0] = '\0';
    rbl_value_each(&value, since, &plan, add_field, NULL);
    return lines;
}

/* a lists 200, b 120 of them, c 50 others; c has not answered for the last ones. */
static void test_report(void)
{
    memset(&value, 0, sizeof(value));
    add_clients(80, 7, 1, 1);
    add_clients(120, 7, 3, 0);
    add_clients(50, 7, 4, 4);
    add_clients(750, 7, 0, 0);
    for (int i = 0; i < 10; i++)
        rbl_value_add_lookup(&value, 0, &(struct rbl_answer){.state = RBL_LISTED}, 20);
    rbl_value_add_lookup(&value, 0, &(struct rbl_answer){.state = RBL_UNKNOWN}, 1500);
    rbl_value_add_lookup(&value, 0, &(struct rbl_answer){.state = RBL_NOT_LISTED}, -1);
    is_string(
        report(),
        "a.example: 1000 clients, 200 listed (20.0 %), 80 by no other list; 12 lookups, 1 "
        "failed, 141.7 ms on average\n"
        "a.example: without it 80 clients would have been let in\n"
        "a.example: 60.0 % of what it lists is in b.example too\n"
        "a.example: 0.0 % of what it lists is in c.example too\n"
        "b.example: 1000 clients, 120 listed (12.0 %), 0 by no other list; 0 lookups, 0 "
        "failed, 0.0 ms on average\n"
        "b.example: without it 0 clients would have been let in\n"
        "b.example: 100.0 % of what it lists is in a.example too\n"
        "b.example: 0.0 % of what it lists is in c.example too\n"
        "c.example: 1000 clients, 50 listed (5.0 %), 50 by no other list; 0 lookups, 0 "
        "failed, 0.0 ms on average\n"
        "c.example: without it 50 clients would have been let in\n"
        "c.example: 0.0 % of what it lists is in a.example too\n"
        "c.example: 0.0 % of what it lists is in b.example too\n"
        "b.example adds nothing to a.example: all 120 clients are there too\n",
        "report");
}

static bool concludes(const char *expected, const char *what)
{
    const char *text = report();
    for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
        if (strstr(text, ": ") && strncmp(line + 1, expected, strlen(expected)) == 0)
            return ok(true, "%s", what);
    printf("# %s\n", text);
    return ok(false, "%s", what);
}

static void test_conclusions(void)
{
    memset(&value, 0, sizeof(value));
    add_clients(99, 7, 3, 0);
    ok(!strstr(report(), "adds nothing"), "too few to tell");
    add_clients(1, 7, 3, 0);
    concludes("b.example adds nothing to a.example: all 100 clients", "two that are the same");
    ok(!strstr(report(), "a.example adds nothing"), "... one of them is worth having");
    concludes("c.example lists nobody of 100 clients", "an empty list");
    add_clients(1, 6, 2, 2);
    concludes("a.example adds nothing to b.example: all 100 clients",
              "clients that the other has no answer about do not count");

    memset(&value, 0, sizeof(value));
    add_clients(60, 7, 3, 0);
    add_clients(60, 7, 5, 0);
    add_clients(10, 7, 2, 2);
    add_clients(10, 7, 4, 4);
    concludes("a.example changes nothing: other checks list its 120 clients without it",
              "contained in two others together");
    is_string(strstr(report(), "w.example") ? "shown" : "left out", "left out",
              "allow lists are not compared");
    memset(&value, 0, sizeof(value));
    ok(strstr(report(), "0 clients, 0 listed (0.0 %)") != NULL, "nothing yet");
}

static void test_fields(void)
{
    static struct rbl_value before, sum;
    memset(&value, 0, sizeof(value));
    add_clients(2, 3, 3, 1);
    rbl_value_add_lookup(&value, 2, &(struct rbl_answer){.state = RBL_UNKNOWN}, 7);
    is_string(fields(NULL),
              "a.example clients 2\na.example matched 2\na.example needed 2\n"
              "a.example both:b.example 2\na.example shared:b.example 2\n"
              "b.example clients 2\nb.example matched 2\n"
              "b.example both:a.example 2\nb.example shared:a.example 2\n"
              "c.example lookups 1\nc.example failures 1\nc.example waited_ms 7\n",
              "all fields");
    before = value;
    is_string(fields(&before), "", "nothing has grown");
    add_clients(1, 1, 1, 0);
    is_string(fields(&before), "a.example clients 1\na.example matched 1\na.example unique 1\n",
              "what has grown");

    sum = before;
    ok(rbl_value_add(&sum, &plan, 0, "clients", 1) &&
           rbl_value_add(&sum, &plan, 0, "matched", 1) &&
           rbl_value_add(&sum, &plan, 0, "unique", 1),
       "numbers are added");
    ok(memcmp(&sum, &value, sizeof(sum)) == 0, "... to the same");
    ok(rbl_value_add(&sum, &plan, 1, "both:c.example", 5) && sum.lists[1].both[2] == 5,
       "also about another list");
    ok(rbl_value_add(&sum, &plan, 1, "shared:a.example", 5) && sum.lists[1].shared[0] == 7,
       "... or two");
    ok(!rbl_value_add(&sum, &plan, 1, "both:d.example", 5), "a list that is not there");
    ok(!rbl_value_add(&sum, &plan, 1, "other:a.example", 5), "a field that is not there");
    ok(!rbl_value_add(&sum, &plan, 1, "state", 5), "... another");
    ok(!rbl_value_add(&sum, &plan, 4, "clients", 5), "a list with a wrong index");
}

int main(void)
{
    make_plan();
    test_report();
    test_conclusions();
    test_fields();
    return done_testing();
}
