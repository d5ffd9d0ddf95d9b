/*
 * explain_lists - what the DNS lists say of a client, as far as Redis remembers their answers:
 * nobody is asked.
 */
#ifndef POSTVALVE_VIEW_EXPLAIN_LISTS_H
#define POSTVALVE_VIEW_EXPLAIN_LISTS_H

#include "common/config.h"
#include "common/decide.h"
#include "common/rbl_evaluate.h"
#include "common/rbl_listing.h"
#include "common/rbl_plan.h"
#include "common/rbl_session.h"
#include "host/hostname.h"
#include "view/redis_session.h"

#include <stdbool.h>

struct explain_lists {
    const struct config *config;
    struct rbl_session session; /* its slices are the question's */
    char client_address[ADDRESS_TEXT_SIZE], server_name[HOSTNAME_SIZE];
    size_t query_count; /* of the plan */
    struct explain_query {
        char subject[DNSBL_NAME_SIZE]; /* "": nothing to look up */
        bool is_remembered;
        int64_t seconds_left;
        struct rbl_answer answer;
        char text[RBL_ANSWER_TEXT_MAX + 1]; /* as it is in Redis */
    } queries[RBL_QUERIES_MAX];
    struct rbl_evaluation evaluation;
    struct rbl_listing listings[LEVEL_COUNT];
};

struct explain_subjects { /* NULL: not given */
    const struct address *address;
    const char *name, *helo, *sender, *recipient;
};

/* False: no answer of Redis. lists is set all the same. */
bool explain_lists_read(struct explain_lists *lists, const struct config *config,
                        struct redis_session *session, const struct explain_subjects *subjects,
                        struct error *error);
/* The facts for decide(), with the reply of that level. lists has to outlive them. */
void explain_lists_apply(struct explain_lists *lists, enum level level, struct facts *facts);

/* "listed", "not-listed", "unknown" (an answer that is none); "not-remembered". */
const char *explain_query_state(const struct explain_query *query);

#endif
