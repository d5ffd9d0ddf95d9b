/*
 * recipients - what Postfix says of each recipient, and of the sender with it, is remembered
 * for all hosts: only of domains that are verified, and only what tells whether an address
 * exists.
 *
 * Threads as those of the session. Nothing waits for Redis.
 */
#ifndef POSTVALVE_MILTER_RECIPIENTS_H
#define POSTVALVE_MILTER_RECIPIENTS_H

#include "milter/milter.h"
#include "milter/session.h"

/* At MAIL. argument: as the client sent it, in <>. */
void recipients_note_sender(struct milter *milter, struct session *session,
                            const char *argument);
/* At RCPT, whether Postfix accepted it or not; before session_on_recipient(). */
void recipients_learn(struct milter *milter, const struct session *session,
                      const char *argument, const struct recipient_macros *macros);

#endif
