#include "common/rbl_evaluate.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define CHECKS_MAX 8

/* A plan, and for each case the answers by query, separated by space: "?" pending, "!" no
 * answer, "-" not listed, otherwise the last octets of the addresses in 127.0.0.0/24. */
static const struct {
    const char *what;
    int threshold;
    const char *checks[CHECKS_MAX];
    struct {
        const char *answers;
        enum rbl_outcome outcome;
        bool is_certain, is_final;
        int check; /* -1: none */
        int score;
    } cases[16];
} plans[] = {
    {"one list",
     0,
     {"reject_rbl_client a"},
     {{"?", RBL_OUTCOME_NONE, false, false, -1, 0},
      {"!", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"-", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"2", RBL_OUTCOME_LISTED, true, true, 0, 0}}},
    {"one list, three filters",
     0,
     {"reject_rbl_client a=127.0.0.[10..11]", "reject_rbl_client a=127.0.0.[4..7]",
      "reject_rbl_client a"},
     {{"-", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"10", RBL_OUTCOME_LISTED, true, true, 0, 0},
      {"4", RBL_OUTCOME_LISTED, true, true, 1, 0},
      {"2,4,11", RBL_OUTCOME_LISTED, true, true, 0, 0},
      {"3", RBL_OUTCOME_LISTED, true, true, 2, 0}}},
    {"filters that leave something out",
     0,
     {"reject_rbl_client a=127.0.0.10"},
     {{"2", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"2,10", RBL_OUTCOME_LISTED, true, true, 0, 0}}},
    {"the first match decides",
     0,
     {"permit_dnswl_client w", "reject_rbl_client a", "reject_rbl_client b"},
     {{"? ? ?", RBL_OUTCOME_NONE, false, false, -1, 0},
      {"3 2 2", RBL_OUTCOME_PERMITTED, true, true, 0, 0},
      {"3 ? ?", RBL_OUTCOME_PERMITTED, true, true, 0, 0},
      {"? 2 2", RBL_OUTCOME_LISTED, false, false, 1, 0},
      {"! 2 ?", RBL_OUTCOME_LISTED, true, true, 1, 0},
      {"- ? 2", RBL_OUTCOME_LISTED, true, false, 2, 0},
      {"- - 2", RBL_OUTCOME_LISTED, true, true, 2, 0},
      {"- - ?", RBL_OUTCOME_NONE, false, false, -1, 0},
      {"- - -", RBL_OUTCOME_NONE, true, true, -1, 0}}},
    {"an allow list behind",
     0,
     {"reject_rbl_client a", "permit_dnswl_client w"},
     {{"2 3", RBL_OUTCOME_LISTED, true, true, 0, 0},
      {"2 ?", RBL_OUTCOME_LISTED, true, true, 0, 0},
      {"? 3", RBL_OUTCOME_PERMITTED, false, false, 1, 0},
      {"- 3", RBL_OUTCOME_PERMITTED, true, true, 1, 0}}},
    {"weights",
     3,
     {"reject_rbl_client a*2", "reject_rbl_client b=127.0.0.2",
      "reject_rbl_client b=127.0.0.3*3", "permit_dnswl_client w*-2"},
     {{"? ? ?", RBL_OUTCOME_NONE, false, false, -1, 0},
      {"2 - -", RBL_OUTCOME_NONE, true, true, -1, 2},
      {"2 2 -", RBL_OUTCOME_LISTED, true, true, 0, 3},
      {"2 2 3", RBL_OUTCOME_NONE, true, true, -1, 1},
      {"2 2 ?", RBL_OUTCOME_LISTED, false, false, 0, 3},
      {"2 2,3 ?", RBL_OUTCOME_LISTED, true, true, 2, 6},
      {"? 2,3 -", RBL_OUTCOME_LISTED, true, true, 2, 4},
      {"2 ? -", RBL_OUTCOME_NONE, false, false, -1, 2},
      {"? - -", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"! ! !", RBL_OUTCOME_NONE, true, true, -1, 0},
      {"- - 3", RBL_OUTCOME_NONE, true, true, -1, -2}}},
    {"which check is it",
     2,
     {"reject_rbl_client a*2", "reject_rbl_client b*4", "reject_rbl_client c*4"},
     {{"2 ? -", RBL_OUTCOME_LISTED, true, false, 0, 2},
      {"2 2 -", RBL_OUTCOME_LISTED, true, true, 1, 6},
      {"2 2 2", RBL_OUTCOME_LISTED, true, true, 1, 10},
      {"? 2 -", RBL_OUTCOME_LISTED, true, true, 1, 4},
      {"- ? 2", RBL_OUTCOME_LISTED, true, false, 2, 4}}},
    {"an allow list that decides alone",
     1,
     {"reject_rbl_client a", "permit_dnswl_client w"},
     {{"2 3", RBL_OUTCOME_PERMITTED, true, true, 1, 1},
      {"? 3", RBL_OUTCOME_PERMITTED, true, true, 1, 0},
      {"2 ?", RBL_OUTCOME_LISTED, false, false, 0, 1},
      {"2 -", RBL_OUTCOME_LISTED, true, true, 0, 1},
      {"- ?", RBL_OUTCOME_NONE, false, false, -1, 0}}},
    {"no checks", 0, {NULL}, {{"", RBL_OUTCOME_NONE, true, true, -1, 0}}},
};

static struct rbl_plan plan;

static void make_plan(int threshold, const char *const *checks)
{
    struct error error;
    rbl_plan_init(&plan, threshold);
    for (size_t i = 0; i < CHECKS_MAX && checks[i]; i++)
        if (!rbl_plan_add_check(&plan, slice_from_string(checks[i]), &error))
            abort();
}

static struct rbl_answer read_answer(const char *text, size_t length)
{
    uint32_t addresses[RBL_CODES_MAX];
    size_t count = 0;
    if (*text == '?')
        return (struct rbl_answer){0};
    if (*text == '!')
        return rbl_answer_failed(RBL_FAILURE_TIMEOUT);
    for (size_t i = 0; *text != '-' && i < length; i++) {
        char *end;
        addresses[count++] = 0x7f000000U | (uint32_t)strtoul(text + i, &end, 10);
        i = (size_t)(end - text);
    }
    return rbl_answer_from_addresses(addresses, count);
}

static void read_answers(const char *text, struct rbl_answer answers[RBL_QUERIES_MAX])
{
    size_t query = 0;
    for (; *text; query++) {
        size_t length = strcspn(text, " ");
        answers[query] = read_answer(text, length);
        text += length + strspn(text + length, " ");
    }
    if (query != plan.query_count)
        abort();
}

static void test_outcomes(void)
{
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        make_plan(plans[i].threshold, plans[i].checks);
        for (size_t j = 0; j < 16 && plans[i].cases[j].answers; j++) {
            struct rbl_answer answers[RBL_QUERIES_MAX];
            read_answers(plans[i].cases[j].answers, answers);
            struct rbl_evaluation got = rbl_evaluate(&plan, answers);
            ok(got.outcome == plans[i].cases[j].outcome, "%s, answers %s: %s", plans[i].what,
               plans[i].cases[j].answers, rbl_outcome_name(got.outcome));
            is_number(got.check == RBL_NO_CHECK ? -1 : (int)got.check, plans[i].cases[j].check,
                      "... check");
            ok(got.is_certain == plans[i].cases[j].is_certain &&
                   got.is_final == plans[i].cases[j].is_final,
               "... %s %s", got.is_certain ? "certain" : "uncertain",
               got.is_final ? "final" : "open");
            is_number(got.score, plans[i].cases[j].score, "... score");
        }
    }
}

/* What is certain stays so, and what is final stays the same, whatever the pending answers. */
static void check_promises(struct rbl_answer *answers, size_t from,
                           const struct rbl_evaluation *before)
{
    static const char *const possible[] = {"!", "-", "2", "3", "4"};
    while (from < plan.query_count && answers[from].state != RBL_PENDING)
        from++;
    if (from == plan.query_count) {
        struct rbl_evaluation after = rbl_evaluate(&plan, answers);
        if ((before->is_certain && after.outcome != before->outcome) ||
            (before->is_final && after.check != before->check) || !after.is_certain ||
            !after.is_final)
            ok(false, "a promise is kept");
        return;
    }
    for (size_t i = 0; i < sizeof(possible) / sizeof(possible[0]); i++) {
        answers[from] = read_answer(possible[i], strlen(possible[i]));
        check_promises(answers, from + 1, before);
    }
    answers[from] = (struct rbl_answer){0};
}

static void test_promises(void)
{
    static const char *const answers_text[] = {"?", "-", "2", "3", "2,3"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        make_plan(plans[i].threshold, plans[i].checks);
        size_t all = 1;
        for (size_t query = 0; query < plan.query_count; query++)
            all *= 5;
        for (size_t number = 0; number < all; number++) {
            struct rbl_answer answers[RBL_QUERIES_MAX];
            size_t rest = number;
            for (size_t query = 0; query < plan.query_count; query++, rest /= 5)
                answers[query] =
                    read_answer(answers_text[rest % 5], strlen(answers_text[rest % 5]));
            struct rbl_evaluation before = rbl_evaluate(&plan, answers);
            check_promises(answers, 0, &before);
            count++;
        }
    }
    ok(true, "promises kept in %zu situations", count);
}

static void test_lists(void)
{
    static const struct {
        int threshold;
        const char *checks[CHECKS_MAX];
        const char *answers;
        struct rbl_involved involved;
    } cases[] = {
        {0, {"reject_rbl_client a", "reject_rbl_client b"}, "2 2", {3, 3, 0}},
        {0, {"reject_rbl_client a", "reject_rbl_client b"}, "2 -", {3, 1, 1}},
        {0, {"reject_rbl_client a", "reject_rbl_client b"}, "- 2", {3, 2, 2}},
        {0, {"reject_rbl_client a", "reject_rbl_client b"}, "! 2", {2, 2, 2}},
        {0, {"reject_rbl_client a", "reject_rbl_client b"}, "? -", {2, 0, 0}},
        {0, {"permit_dnswl_client a", "reject_rbl_client b"}, "2 2", {3, 2, 0}},
        {0, {"reject_rbl_client a=127.0.0.9", "reject_rbl_client b"}, "2 2", {3, 2, 2}},
        {0, {"reject_rbl_client a", "reject_rhsbl_helo a"}, "2 2", {1, 1, 1}},
        {3,
         {"reject_rbl_client a*2", "reject_rbl_client b*2", "reject_rbl_client c*-1"},
         "2 2 2",
         {7, 3, 3}},
        {3, {"reject_rbl_client a*3", "reject_rbl_client b*2"}, "2 2", {3, 3, 1}},
        {3, {"reject_rbl_client a*3", "reject_rbl_client b*2"}, "- 2", {3, 2, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rbl_answer answers[RBL_QUERIES_MAX];
        make_plan(cases[i].threshold, cases[i].checks);
        read_answers(cases[i].answers, answers);
        struct rbl_involved got = rbl_evaluate_lists(&plan, answers);
        is_number(got.answered, cases[i].involved.answered, "lists that answered");
        is_number(got.matched, cases[i].involved.matched, "lists that match");
        is_number(got.needed, cases[i].involved.needed, "lists that make the difference");
    }
}

int main(void)
{
    test_outcomes();
    test_promises();
    test_lists();
    return done_testing();
}
