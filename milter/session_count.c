#include "milter/session_count.h"

#include "host/count.h"

void session_count_start(struct session_table *table, struct session *session)
{
    session_table_lock(table);
    if (session->next) {
        session->is_counted = true;
        session->first_class = session->class;
        COUNT(SESSIONS_STARTED, session->first_class);
    }
    session_table_unlock(table);
}

void session_count_message(const struct session *session, int messages_before, int64_t now_ms)
{
    if (session->accepted_messages == messages_before)
        return;
    COUNT(MESSAGES_ACCEPTED, session->first_class);
    if (messages_before == 0)
        OBSERVE(FIRST_MESSAGE, now_ms - session->connected_ms, session->first_class);
}

static enum session_end end_of(const struct session *session, int64_t silent_after_ms,
                               int64_t now_ms)
{
    if (session->is_hung_up)
        return SESSION_END_HUNG_UP;
    if (session->is_reclaimed)
        return SESSION_END_RECLAIMED;
    if (session->accepted_messages > 0)
        return SESSION_END_MAIL;
    if (session->has_said_helo)
        return SESSION_END_NO_MAIL;
    return now_ms - session->connected_ms >= silent_after_ms ? SESSION_END_SILENT
                                                             : SESSION_END_DROPPED;
}

void session_count_end(const struct session *session, int64_t silent_after_ms, bool is_stopped,
                       int64_t now_ms)
{
    enum client_class class = session->first_class;
    enum session_end end =
        is_stopped ? SESSION_END_STOPPED : end_of(session, silent_after_ms, now_ms);
    if (!session->is_counted)
        return;
    COUNT(SESSIONS_ENDED, class, end);
    COUNT_ADD(SLOT_TIME, (uint64_t)(now_ms - session->connected_ms), class);
    COUNT_ADD(RECIPIENTS_UNKNOWN, (uint64_t)session->unknown_recipients, class);
    COUNT_ADD(PROTOCOL_ERRORS, (uint64_t)session->protocol_errors, class);
}

static bool count_class(struct session *session, void *context)
{
    int *open = context;
    open[session->first_class] += session->is_counted ? 1 : 0;
    return true;
}

void session_count_open(struct session_table *table)
{
    int open[CLASS_COUNT] = {0};
    session_table_visit(table, count_class, open);
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        SET_GAUGE(SESSIONS_OPEN, open[class], class);
}
