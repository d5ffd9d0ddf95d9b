/*
 * admission - the facts of a session, and the verdict that decide() makes of them.
 *
 * Any thread. What cannot be known in time is a fact too: nothing here fails. A verdict lives
 * as long as the configuration snapshot it was made with.
 */
#ifndef POSTVALVE_MILTER_ADMISSION_H
#define POSTVALVE_MILTER_ADMISSION_H

#include "common/config.h"
#include "common/decide.h"
#include "milter/milter.h"
#include "milter/session.h"

#include <stdbool.h>

/* At CONNECT. busy: slots, this session included, as session_table_add() counted them.
 * is_postfix_stressed: as its smtpd says. Waits for Redis where memory does not know. */
struct verdict admission_decide_connect(struct milter *milter, const struct config *config,
                                        const struct session *session, int busy,
                                        bool is_postfix_stressed);

/* At MAIL or RCPT, of a session that was admitted: only what is in memory counts, and what the
 * session itself has shown. */
struct verdict admission_decide_later(struct milter *milter, const struct config *config,
                                      const struct session *session, enum stage stage,
                                      bool is_authenticated);

/* How a session ended goes into the history of its client. has_ended: it did; otherwise we do.
 */
void admission_record(struct milter *milter, const struct config *config,
                      const struct session *session, bool has_ended);

#endif
