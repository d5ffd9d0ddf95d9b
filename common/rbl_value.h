/*
 * rbl_value - what each DNS list is good for: how many clients it lists, how many only it
 * lists, how much it has in common with each other list, what it costs. Pure.
 *
 * Lists are known by their index in the plan; only lists that reject count. Numbers only grow,
 * so that hosts can be added up, and the difference of two moments sent.
 */
#ifndef POSTVALVE_COMMON_RBL_VALUE_H
#define POSTVALVE_COMMON_RBL_VALUE_H

#include "common/rbl_evaluate.h"
#include "common/rbl_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rbl_list_value {
    uint64_t clients; /* that it gave an answer about */
    uint64_t matched; /* of them, those that a check of it matched */
    uint64_t unique;  /* of them, those that no other list matched */
    uint64_t needed;  /* clients that would not have been listed without it */
    uint64_t lookups; /* over the network; the others came from a cache */
    uint64_t failures;
    uint64_t waited_ms;             /* sum over lookups */
    uint64_t both[RBL_LISTS_MAX];   /* clients that this list and that one matched */
    uint64_t shared[RBL_LISTS_MAX]; /* clients matched by this list about which that one gave an
                                       answer too */
};

struct rbl_value {
    struct rbl_list_value lists[RBL_LISTS_MAX];
};

/* A client that has been decided on, once for each session. */
void rbl_value_add_client(struct rbl_value *value, size_t list_count,
                          const struct rbl_involved *involved);
/* An answer from the network. */
void rbl_value_add_lookup(struct rbl_value *value, size_t list, const struct rbl_answer *answer,
                          int64_t latency_ms);

/* Gets each number that is not zero: "matched", 12; "both:other.example", 3. zone: of the
 * plan's list that the numbers are about. */
typedef void rbl_value_field(void *context, const char *zone, const char *name,
                             uint64_t number);
/* The numbers that have grown since then (NULL: all of them). */
void rbl_value_each(const struct rbl_value *value, const struct rbl_value *since,
                    const struct rbl_plan *plan, rbl_value_field *field, void *context);
/* Adds a number that rbl_value_each() gave; false for a name that it does not give, or a list
 * that the plan does not have. */
bool rbl_value_add(struct rbl_value *value, const struct rbl_plan *plan, size_t list,
                   const char *name, uint64_t number);

/* Gets each line of the report: numbers of each list, and what follows from them, such as
 * "b.example adds nothing to a.example". */
typedef void rbl_value_line(void *context, const char *line);
void rbl_value_report(const struct rbl_value *value, const struct rbl_plan *plan,
                      rbl_value_line *line, void *context);

#endif
