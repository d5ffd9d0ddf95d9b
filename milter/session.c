#include "milter/session.h"

#include <string.h>

static const char *const state_names[] = {
    [SESSION_CONNECTED] = "connected", [SESSION_HELO] = "helo", [SESSION_MAIL] = "mail",
    [SESSION_RCPT] = "rcpt",           [SESSION_DATA] = "data",
};

void session_init(struct session *session, const struct address *address, struct slice name,
                  uint16_t port, int64_t now_ms)
{
    *session = (struct session){
        .address = *address,
        .port = port,
        .class = CLASS_UNKNOWN,
        .is_newcomer = true,
        .connected_ms = now_ms,
        .last_sign_ms = now_ms,
        .without_data_since_ms = now_ms,
    };
    client_keys_get(address, name, NULL, &session->keys);
    slice_copy_string(name, session->client_name, sizeof(session->client_name));
}

static void enter(struct session *session, enum session_state state, int64_t now_ms)
{
    session->state = state;
    session->last_sign_ms = now_ms;
}

void session_on_helo(struct session *session, int64_t now_ms)
{
    session->has_said_helo = true;
    enter(session, SESSION_HELO, now_ms);
}

void session_on_mail(struct session *session, int64_t now_ms)
{
    /* Where Postfix does not insist on HELO, a MAIL is a sign of life as good. */
    session->has_said_helo = true;
    session->accepted_recipients = 0;
    enter(session, SESSION_MAIL, now_ms);
}

/* RFC 3463 section 3.2: no such mailbox; RFC 7505: the domain takes no mail. Other refusals
 * (policy, relay, full mailbox) say nothing about how the client got its addresses. */
static bool is_unknown_recipient(const char *enhanced_code)
{
    return strcmp(enhanced_code, "5.1.1") == 0 || strcmp(enhanced_code, "5.1.10") == 0;
}

void session_on_recipient(struct session *session, const struct recipient_macros *macros,
                          int64_t now_ms)
{
    enter(session, SESSION_RCPT, now_ms);
    bool is_rejected = macros->mailer && strcmp(macros->mailer, "error") == 0;
    if (!is_rejected) {
        session->accepted_recipients++;
        session->known_recipients++;
    } else if (macros->host && is_unknown_recipient(macros->host)) {
        session->unknown_recipients++;
    }
}

/* The client is still there, and as far as it was. */
void session_on_protocol_error(struct session *session, int64_t now_ms)
{
    session->protocol_errors++;
    enter(session, session->state, now_ms);
}

void session_on_data(struct session *session, int64_t now_ms)
{
    enter(session, SESSION_DATA, now_ms);
}

void session_on_message(struct session *session, int64_t now_ms)
{
    if (session->accepted_recipients > 0)
        session->accepted_messages++;
    session->accepted_recipients = 0;
    session->without_data_since_ms = now_ms;
    enter(session, SESSION_HELO, now_ms);
}

void session_on_abort(struct session *session, int64_t now_ms)
{
    session->accepted_recipients = 0;
    if (session->state == SESSION_DATA)
        session->without_data_since_ms = now_ms;
    enter(session, session->has_said_helo ? SESSION_HELO : SESSION_CONNECTED, now_ms);
}

/* Those of a list with a few old addresses are no guesses. */
static int guesses(const struct session *session, double unknown_share)
{
    int all = session->known_recipients + session->unknown_recipients;
    return session->unknown_recipients >= unknown_share * all ? session->unknown_recipients : 0;
}

double session_bad_score(const struct session *session, const struct class_settings *settings)
{
    return settings->weight[EVIDENCE_UNKNOWN_RECIPIENT] *
               guesses(session, settings->unknown_share) +
           settings->weight[EVIDENCE_PROTOCOL_ERROR] * session->protocol_errors;
}

bool session_is_behaving(const struct session *session)
{
    return session->accepted_messages > 0 || session->state == SESSION_DATA;
}

struct session_outcome session_outcome_of(const struct session *session, double unknown_share,
                                          int64_t silent_after_ms, bool has_ended,
                                          int64_t now_ms)
{
    struct session_outcome outcome = {.is_hung_up = false};
    if (session->class == CLASS_TRUSTED)
        return outcome;

    outcome.is_hung_up = session->is_hung_up && !session->is_in_burst;
    outcome.counts[EVIDENCE_ACCEPTED] = (float)session->accepted_messages;
    outcome.counts[EVIDENCE_UNKNOWN_RECIPIENT] = (float)guesses(session, unknown_share);
    outcome.is_shared = session->is_shared;
    outcome.counts[EVIDENCE_PROTOCOL_ERROR] = (float)session->protocol_errors;
    outcome.counts[EVIDENCE_RECLAIMED] = session->is_reclaimed ? 1 : 0;
    outcome.counts[EVIDENCE_HAMMERED] = session->is_hammering ? 1 : 0;
    if (session->has_said_helo || session->is_hung_up || session->is_reclaimed)
        return outcome;

    if (now_ms - session->connected_ms >= silent_after_ms)
        outcome.counts[EVIDENCE_SILENT] = 1;
    else if (has_ended)
        outcome.counts[EVIDENCE_DROPPED] = 1;
    return outcome;
}

const char *session_state_name(enum session_state state)
{
    return state_names[state];
}
