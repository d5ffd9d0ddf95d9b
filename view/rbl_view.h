/*
 * rbl_view - the DNS lists, as Redis says: how each host finds them, and what they are worth.
 */
#ifndef POSTVALVE_VIEW_RBL_VIEW_H
#define POSTVALVE_VIEW_RBL_VIEW_H

#include "common/error.h"
#include "common/rbl_plan.h"
#include "common/rbl_value.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdbool.h>

/* By zone, then by host: its words, an object of texts. A new reference; NULL: no answer. */
json_t *rbl_view_health(const struct rbl_plan *plan, struct redis_session *session,
                        struct error *error);
/* By zone: its numbers. value_r (may be NULL) is set to the same. */
json_t *rbl_view_value(const struct rbl_plan *plan, struct redis_session *session,
                       struct rbl_value *value_r, struct error *error);

#endif
