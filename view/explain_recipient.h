/*
 * explain_recipient - what is remembered of a sender's and a recipient's address, and what
 * policyd would answer as to them (verify.*).
 */
#ifndef POSTVALVE_VIEW_EXPLAIN_RECIPIENT_H
#define POSTVALVE_VIEW_EXPLAIN_RECIPIENT_H

#include "common/config.h"
#include "common/decide.h"
#include "common/verify_decide.h"
#include "common/verify_reply.h"
#include "view/redis_session.h"

#include <stdbool.h>

struct explain_recipient {
    bool is_asked[ADDRESS_KIND_COUNT]; /* an address was given, and is one */
    struct verify_facts facts;
    struct verify_verdict verify;
    char reply[VERIFY_REPLY_SIZE];
    struct verdict verdict; /* its text is in reply, or constant */
};

/* sender, recipient: NULL where none is given. session NULL: without Redis. False: no answer
 * of Redis. */
bool explain_recipient_read(struct explain_recipient *explained, const struct config *config,
                            struct redis_session *session, const char *sender,
                            const char *recipient, struct error *error);
/* What policyd answers to a client that it lets in. */
void explain_recipient_decide(struct explain_recipient *explained, const struct config *config,
                              const struct verdict *admission, bool is_off);

#endif
