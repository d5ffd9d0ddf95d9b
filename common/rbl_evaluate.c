#include "common/rbl_evaluate.h"

static const char *const outcome_names[] = {
    [RBL_OUTCOME_NONE] = "none",
    [RBL_OUTCOME_LISTED] = "listed",
    [RBL_OUTCOME_PERMITTED] = "permitted",
};

const char *rbl_outcome_name(enum rbl_outcome outcome)
{
    return outcome_names[outcome];
}

/* What is evaluated: the answers but those of the excluded lists. */
struct input {
    const struct rbl_plan *plan;
    const struct rbl_answer *answers;
    uint32_t excluded;
};

enum match { MATCH_NO, MATCH_YES, MATCH_PENDING };

static enum match match_check(const struct input *input, const struct rbl_check *check)
{
    const struct rbl_answer *answer = &input->answers[check->query];
    size_t list = input->plan->queries[check->query].list;
    if ((input->excluded >> list & 1) != 0)
        return MATCH_NO;
    if (answer->state != RBL_LISTED)
        return answer->state == RBL_PENDING ? MATCH_PENDING : MATCH_NO;
    for (size_t i = 0; i < answer->code_count; i++)
        if (rbl_filter_matches(&check->filter, answer->codes[i]))
            return MATCH_YES;
    return MATCH_NO;
}

static enum rbl_outcome outcome_of(const struct rbl_check *check)
{
    return check->restriction->is_permit ? RBL_OUTCOME_PERMITTED : RBL_OUTCOME_LISTED;
}

static struct rbl_evaluation evaluate_order(const struct input *input)
{
    const struct rbl_plan *plan = input->plan;
    struct rbl_evaluation result = {RBL_OUTCOME_NONE, true, true, RBL_NO_CHECK, 0};
    bool is_pending[3] = {false}; /* by the outcome that it would give */
    for (size_t i = 0; i < plan->check_count && result.check == RBL_NO_CHECK; i++) {
        const struct rbl_check *check = &plan->checks[i];
        switch (match_check(input, check)) {
        case MATCH_YES:
            result.outcome = outcome_of(check);
            result.check = i;
            break;
        case MATCH_PENDING:
            is_pending[outcome_of(check)] = true;
            break;
        default:
            break;
        }
    }
    result.is_final = !is_pending[RBL_OUTCOME_LISTED] && !is_pending[RBL_OUTCOME_PERMITTED];
    for (enum rbl_outcome other = RBL_OUTCOME_LISTED; other <= RBL_OUTCOME_PERMITTED; other++)
        if (other != result.outcome && is_pending[other])
            result.is_certain = false;
    return result;
}

/* Sums so far, and how far pending answers can move them. */
struct tally {
    int score, pending_up, pending_down;
    int largest;         /* weight of the deciding check */
    int pending_largest; /* of the pending ones */
    bool is_permit_pending;
    size_t permit; /* check that decides alone, or RBL_NO_CHECK */
    size_t check;
};

static void add_to_tally(struct tally *tally, const struct rbl_check *check, size_t index,
                         enum match match)
{
    bool decides_alone = check->restriction->is_permit && !check->has_weight;
    if (match == MATCH_NO)
        return;
    if (decides_alone) {
        if (match == MATCH_PENDING)
            tally->is_permit_pending = true;
        else if (tally->permit == RBL_NO_CHECK)
            tally->permit = index;
        return;
    }
    if (match == MATCH_YES) {
        tally->score += check->weight;
        if (check->weight > tally->largest) {
            tally->largest = check->weight;
            tally->check = index;
        }
        return;
    }
    if (check->weight > 0)
        tally->pending_up += check->weight;
    else
        tally->pending_down += check->weight;
    if (check->weight > tally->pending_largest)
        tally->pending_largest = check->weight;
}

static struct rbl_evaluation evaluate_sum(const struct input *input)
{
    const struct rbl_plan *plan = input->plan;
    struct tally tally = {.permit = RBL_NO_CHECK, .check = RBL_NO_CHECK};
    for (size_t i = 0; i < plan->check_count; i++)
        add_to_tally(&tally, &plan->checks[i], i, match_check(input, &plan->checks[i]));

    struct rbl_evaluation result = {.check = RBL_NO_CHECK, .score = tally.score};
    if (tally.permit != RBL_NO_CHECK) {
        result.outcome = RBL_OUTCOME_PERMITTED;
        result.check = tally.permit;
        result.is_certain = result.is_final = true;
    } else if (tally.score >= plan->threshold) {
        result.outcome = RBL_OUTCOME_LISTED;
        result.check = tally.check;
        result.is_certain =
            !tally.is_permit_pending && tally.score + tally.pending_down >= plan->threshold;
        result.is_final = result.is_certain && tally.pending_largest < tally.largest;
    } else {
        result.is_certain =
            !tally.is_permit_pending && tally.score + tally.pending_up < plan->threshold;
        result.is_final = result.is_certain;
    }
    return result;
}

static struct rbl_evaluation evaluate(const struct input *input)
{
    return input->plan->threshold > 0 ? evaluate_sum(input) : evaluate_order(input);
}

struct rbl_evaluation rbl_evaluate(const struct rbl_plan *plan,
                                   const struct rbl_answer *answers)
{
    return evaluate(&(struct input){plan, answers, 0});
}

struct rbl_involved rbl_evaluate_lists(const struct rbl_plan *plan,
                                       const struct rbl_answer *answers)
{
    struct rbl_involved involved = {0, 0, 0};
    struct input input = {plan, answers, 0};
    for (size_t i = 0; i < plan->query_count; i++)
        if (answers[i].state == RBL_LISTED || answers[i].state == RBL_NOT_LISTED)
            involved.answered |= 1U << plan->queries[i].list;
    for (size_t i = 0; i < plan->check_count; i++)
        if (!plan->checks[i].restriction->is_permit && plan->checks[i].weight > 0 &&
            match_check(&input, &plan->checks[i]) == MATCH_YES)
            involved.matched |= 1U << plan->queries[plan->checks[i].query].list;
    if (evaluate(&input).outcome != RBL_OUTCOME_LISTED)
        return involved;
    for (size_t list = 0; list < plan->list_count; list++) {
        input.excluded = 1U << list;
        if ((involved.matched & input.excluded) != 0 &&
            evaluate(&input).outcome != RBL_OUTCOME_LISTED)
            involved.needed |= input.excluded;
    }
    return involved;
}
