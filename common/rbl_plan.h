/*
 * rbl_plan - the checks of the configuration, and which DNS queries they need: one for each
 * subject and zone, however many filters refer to it.
 *
 * Made when the configuration is loaded, immutable after that. Plain data of fixed size; lists,
 * queries and checks are known by their index.
 */
#ifndef POSTVALVE_COMMON_RBL_PLAN_H
#define POSTVALVE_COMMON_RBL_PLAN_H

#include "common/dnsbl_name.h"
#include "common/rbl_check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RBL_LISTS_MAX   32 /* bits of a list mask */
#define RBL_QUERIES_MAX 64
#define RBL_CHECKS_MAX  128

/* A zone; health and value are kept for each. */
struct rbl_list {
    char zone[RBL_ZONE_MAX + 1];
    bool has_reject, has_permit;         /* checks of these kinds refer to it */
    char listed_name[DNSBL_NAME_SIZE];   /* test point that has to be listed; "": no test */
    char unlisted_name[DNSBL_NAME_SIZE]; /* test point that must not be listed */
    bool has_control;                    /* the test points are those of RFC 5782 */
    bool is_of_addresses;                /* the first check is about addresses */
};

struct rbl_query {
    enum rbl_subject subject;
    size_t list;
};

struct rbl_plan {
    int threshold; /* 0: the first match decides */
    size_t list_count, query_count, check_count;
    struct rbl_list lists[RBL_LISTS_MAX];
    struct rbl_query queries[RBL_QUERIES_MAX];
    struct rbl_check checks[RBL_CHECKS_MAX];
};

/* Empty, with the threshold that the checks to come are for. */
void rbl_plan_init(struct rbl_plan *plan, int threshold);
/* Adds a check as rbl_check_parse() reads it. */
bool rbl_plan_add_check(struct rbl_plan *plan, struct slice text, struct error *error);
/* "zone off" or "zone LISTED UNLISTED", each an address or a domain, in place of the test
 * points of RFC 5782 section 5, which every list has without it. */
bool rbl_plan_set_test(struct rbl_plan *plan, struct slice text, struct error *error);
/* What only all checks together show. */
bool rbl_plan_check(const struct rbl_plan *plan, struct error *error);

/* A name that nobody has asked for, so that no resolver has an old answer to it, and that must
 * not be listed: an address in 127/8, a domain below "invalid". number: different for each
 * test. False, and an empty name: the list has no such names (other test points, or none). */
bool rbl_plan_control_name(const struct rbl_list *list, uint32_t number,
                           char out[static DNSBL_NAME_SIZE]);

/* The name of a query's zone. */
struct slice rbl_plan_zone(const struct rbl_plan *plan, size_t query);

#endif
