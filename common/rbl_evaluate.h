/*
 * rbl_evaluate - from the answers of the lists to what they say together.
 *
 * Without a threshold the checks are tried in their order and the first that matches decides,
 * as in Postfix's restriction lists. With one, the weights of all checks that match are added,
 * as in postscreen(8); an allow list without a weight then decides alone wherever it stands.
 * A list that has not answered matches nothing. Pure; nothing is allocated.
 */
#ifndef POSTVALVE_COMMON_RBL_EVALUATE_H
#define POSTVALVE_COMMON_RBL_EVALUATE_H

#include "common/rbl_answer.h"
#include "common/rbl_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rbl_outcome { RBL_OUTCOME_NONE, RBL_OUTCOME_LISTED, RBL_OUTCOME_PERMITTED };

#define RBL_NO_CHECK SIZE_MAX

struct rbl_evaluation {
    enum rbl_outcome outcome;
    bool is_certain; /* no pending answer can change the outcome */
    bool is_final;   /* ... nor the check that decides */
    size_t check;    /* that decides: the first, or that of the largest weight; RBL_NO_CHECK */
    int score;       /* with a threshold */
};

/* answers: by query, as many as the plan has. */
struct rbl_evaluation rbl_evaluate(const struct rbl_plan *plan,
                                   const struct rbl_answer *answers);

/* Lists by bit. */
struct rbl_involved {
    uint32_t answered; /* said listed or not listed to any query */
    uint32_t matched;  /* a check that rejects matches */
    uint32_t needed;   /* without it the client would not be RBL_OUTCOME_LISTED */
};
struct rbl_involved rbl_evaluate_lists(const struct rbl_plan *plan,
                                       const struct rbl_answer *answers);

const char *rbl_outcome_name(enum rbl_outcome outcome);

#endif
