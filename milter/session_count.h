/*
 * session_count - what is counted of the milter's sessions (host/count.h). Any thread.
 *
 * A session counts as started with its first decision and as ended once, under the class of
 * that decision; both while the session table is locked or the session is out of it.
 */
#ifndef POSTVALVE_MILTER_SESSION_COUNT_H
#define POSTVALVE_MILTER_SESSION_COUNT_H

#include "milter/session_table.h"

/* Decided on at CONNECT. Nothing if it has left the table. */
void session_count_start(struct session_table *table, struct session *session);
/* A message may have been accepted: messages_before of the session were so before. */
void session_count_message(const struct session *session, int messages_before, int64_t now_ms);
/* is_stopped: the milter ends before the session does. */
void session_count_end(const struct session *session, int64_t silent_after_ms, bool is_stopped,
                       int64_t now_ms);
/* Sessions of this moment. */
void session_count_open(struct session_table *table);

#endif
