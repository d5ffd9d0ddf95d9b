/*
 * session_table - the live sessions of the services we protect: exact and without delay.
 *
 * Any thread. The table owns the list, not the sessions: whoever adds one removes it before he
 * frees it. Sessions in the table are changed between session_table_lock() and
 * session_table_unlock(), which must not enclose anything that waits.
 */
#ifndef POSTVALVE_MILTER_SESSION_TABLE_H
#define POSTVALVE_MILTER_SESSION_TABLE_H

#include "milter/session.h"

#include <stdbool.h>
#include <stddef.h>

struct session_table;

struct session_table *session_table_create(size_t maximum);
void session_table_free(struct session_table *table);

/* Adds a session and tells how many slots of its service are busy with it; false: the table is
 * full, the session is not in it. */
bool session_table_add(struct session_table *table, struct session *session, int *busy_r);
/* False: it was not in the table (any more). */
bool session_table_remove(struct session_table *table, struct session *session);

/* Of a session in the table: its slot does not count as busy from now on. */
void session_table_hang_up(struct session_table *table, struct session *session);

/* Of a session in the table: a hang-up was in vain. */
void session_table_note_misbehaving(struct session_table *table, struct session *session);

/* The slot of a session, named by its id since it may be gone, is taken back: it does not count
 * as busy from now on. False: it is gone, has no slot any more, or had an event since
 * last_sign_ms. */
bool session_table_reclaim(struct session_table *table, uint64_t id, int64_t last_sign_ms);
/* It keeps its slot after all. */
void session_table_keep(struct session_table *table, uint64_t id);
/* It would lose its slot, but for observe mode. False: it is gone. */
bool session_table_observe_reclaim(struct session_table *table, uint64_t id);

/* As of the decision just made; is_first: at CONNECT. */
void session_table_set_class(struct session_table *table, struct session *session,
                             const struct classification *classification, bool is_first);

/* Sessions of one client at this moment, and how many of them behave. */
void session_table_count_client(struct session_table *table, const struct client_key *key,
                                int *sessions_r, int *behaving_r);

/* Busy slots of the service on this port that newcomers have. */
int session_table_newcomers(struct session_table *table, uint16_t service_port);

/* Busy slots of a service: sessions in the table that we did not hang up on and did not take
 * the slot from. Negative: no session of it ever was in the table, so it may be that the MTA
 * does not ask us there. */
int session_table_busy(struct session_table *table, uint16_t service_port);

void session_table_lock(struct session_table *table);
void session_table_unlock(struct session_table *table);

/* Visits the sessions, the one that began first first, with the table locked, until visit says
 * false. */
void session_table_visit(struct session_table *table,
                         bool (*visit)(struct session *session, void *context), void *context);

/* Removes all sessions; visit is called for each, with the table locked. */
void session_table_drain(struct session_table *table,
                         void (*visit)(const struct session *session, void *context),
                         void *context);

#endif
