/*
 * rbl_listing - what decide() is told of a client that a check matched: the reply of the
 * settings, or the check itself for Postfix to apply. Pure.
 */
#ifndef POSTVALVE_COMMON_RBL_LISTING_H
#define POSTVALVE_COMMON_RBL_LISTING_H

#include "common/config.h"
#include "common/decide.h"
#include "common/rbl_check.h"
#include "common/rbl_reply.h"

/* The text of the facts; has to outlive them. */
struct rbl_listing {
    struct rbl_reply reply;
    char restriction[RBL_ARGUMENT_MAX + 64];
};

/* Sets all of facts_r but its check. template: as rbl_settings_template() found it for the
 * check that attributes are of. scratch: see rbl_reply_format(). */
void rbl_listing_reply(struct rbl_listing *listing, const struct rbl_settings *settings,
                       const struct macro *template, const struct rbl_attributes *attributes,
                       struct buffer *scratch, struct rbl_facts *facts_r);
void rbl_listing_leave_to_postfix(struct rbl_listing *listing,
                                  const struct rbl_settings *settings,
                                  const struct rbl_check *check, struct rbl_facts *facts_r);

#endif
