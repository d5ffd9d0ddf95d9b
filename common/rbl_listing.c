#include "common/rbl_listing.h"

void rbl_listing_reply(struct rbl_listing *listing, const struct rbl_settings *settings,
                       const struct macro *template, const struct rbl_attributes *attributes,
                       struct buffer *scratch, struct rbl_facts *facts_r)
{
    struct rbl_reply *reply = &listing->reply;
    rbl_reply_format(template, attributes, scratch, reply);
    facts_r->code = reply->code;
    facts_r->text = reply->length > 4 ? reply->text + 4 : "";
    facts_r->is_mapped = template != settings->default_template;
}

void rbl_listing_leave_to_postfix(struct rbl_listing *listing,
                                  const struct rbl_settings *settings,
                                  const struct rbl_check *check, struct rbl_facts *facts_r)
{
    rbl_check_format_action(check, listing->restriction, sizeof(listing->restriction));
    facts_r->code = (int)settings->code;
    facts_r->text = listing->restriction;
    facts_r->is_mapped = facts_r->is_restriction = true;
}
