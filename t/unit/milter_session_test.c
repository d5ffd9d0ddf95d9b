#include "milter/session.h"
#include "t/unit/tap.h"

#define SILENT_AFTER_MS 5000

/* Events as letters. Recipients: g accepted, u unknown, n of a domain that takes no mail, p
 * refused by policy, o refused without a code, b without macros. */
static const struct recipient_row {
    char letter;
    struct recipient_macros macros;
} recipient_table[] = {
    {'g', {"smtp", "example.test", NULL}}, {'u', {"error", "5.1.1", NULL}},
    {'n', {"error", "5.1.10", NULL}},      {'p', {"error", "5.7.1", NULL}},
    {'o', {"error", NULL, NULL}},          {'b', {NULL, NULL, NULL}},
};

static void replay_recipient(struct session *session, char letter, int64_t now_ms)
{
    const struct recipient_row *row = recipient_table;
    while (row->letter != letter)
        row++;
    session_on_recipient(session, &row->macros, now_ms);
}

/* x unknown command, H HELO, M MAIL, D DATA, "." end of message, A abort; 100 ms apart. */
static struct session replay(const char *events)
{
    struct address address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
    struct session session;
    int64_t now_ms = 1000;
    session_init(&session, &address, SLICE_LITERAL("mx.example.org"), 25000, now_ms);
    for (; *events; events++) {
        now_ms += 100;
        if (*events == 'H')
            session_on_helo(&session, now_ms);
        else if (*events == 'M')
            session_on_mail(&session, now_ms);
        else if (*events == 'D')
            session_on_data(&session, now_ms);
        else if (*events == '.')
            session_on_message(&session, now_ms);
        else if (*events == 'x')
            session_on_protocol_error(&session, now_ms);
        else if (*events == 'A')
            session_on_abort(&session, now_ms);
        else
            replay_recipient(&session, *events, now_ms);
    }
    return session;
}

enum how { GONE, OPEN, HUNG_UP };

static const struct outcome_row {
    const char *name;
    const char *events;
    enum client_class class;
    int64_t end_ms;
    enum how how;
    float accepted, unknown, silent, dropped;
} outcome_table[] = {
    {"gone at once", "", CLASS_UNKNOWN, 1200, GONE, 0, 0, 0, 1},
    {"still there, not long yet", "", CLASS_UNKNOWN, 1200, OPEN, 0, 0, 0, 0},
    {"silent until the limit", "", CLASS_UNKNOWN, 6000, GONE, 0, 0, 1, 0},
    {"just below the limit", "", CLASS_UNKNOWN, 5999, GONE, 0, 0, 0, 1},
    {"silent and still there", "", CLASS_UNKNOWN, 9000, OPEN, 0, 0, 1, 0},
    {"hung up on", "", CLASS_UNKNOWN, 1001, HUNG_UP, 0, 0, 0, 0},
    {"HELO and gone", "H", CLASS_UNKNOWN, 1200, GONE, 0, 0, 0, 0},
    {"HELO and long silence", "H", CLASS_UNKNOWN, 900000, GONE, 0, 0, 0, 0},
    {"a list with one old address in six", "HMgggguD.gg", CLASS_UNKNOWN, 3000, GONE, 1, 0, 0,
     0},
    {"... with one in five", "HMgggguD.", CLASS_UNKNOWN, 3000, GONE, 1, 1, 0, 0},
    {"one message", "HMgD.", CLASS_UNKNOWN, 2000, GONE, 1, 0, 0, 0},
    {"two messages, three recipients", "HMggD.MgD.", CLASS_UNKNOWN, 2000, GONE, 2, 0, 0, 0},
    {"nobody accepted", "HMuA", CLASS_UNKNOWN, 2000, GONE, 0, 1, 0, 0},
    {"one of three accepted", "HMugnD.", CLASS_UNKNOWN, 2000, GONE, 1, 2, 0, 0},
    {"refused for another reason", "HMpoA", CLASS_UNKNOWN, 2000, GONE, 0, 0, 0, 0},
    {"an MTA that says nothing of recipients", "HMbD.", CLASS_UNKNOWN, 2000, GONE, 1, 0, 0, 0},
    {"RSET before the end", "HMgA", CLASS_UNKNOWN, 2000, GONE, 0, 0, 0, 0},
    {"aborted recipients do not count", "HMgAMuD.", CLASS_UNKNOWN, 2000, GONE, 0, 1, 0, 0},
    {"recipients count for one message", "HMgD.M.", CLASS_UNKNOWN, 2000, GONE, 1, 0, 0, 0},
    {"MAIL without HELO", "MgD.", CLASS_UNKNOWN, 2000, GONE, 1, 0, 0, 0},
    {"trusted", "HMguD.", CLASS_TRUSTED, 2000, GONE, 0, 0, 0, 0},
    {"trusted and silent", "", CLASS_TRUSTED, 99000, GONE, 0, 0, 0, 0},
    {"hung up on at MAIL", "HMuAM", CLASS_UNKNOWN, 2000, HUNG_UP, 0, 1, 0, 0},
};

static void test_outcomes(void)
{
    for (size_t i = 0; i < sizeof(outcome_table) / sizeof(outcome_table[0]); i++) {
        const struct outcome_row *row = &outcome_table[i];
        struct session session = replay(row->events);
        session.is_hung_up = row->how == HUNG_UP;
        session.class = row->class;
        struct session_outcome outcome =
            session_outcome_of(&session, 0.2, SILENT_AFTER_MS, row->how != OPEN, row->end_ms);
        bool is_right = ok(outcome.counts[EVIDENCE_ACCEPTED] == row->accepted &&
                               outcome.counts[EVIDENCE_UNKNOWN_RECIPIENT] == row->unknown &&
                               outcome.counts[EVIDENCE_SILENT] == row->silent &&
                               outcome.counts[EVIDENCE_DROPPED] == row->dropped &&
                               outcome.is_hung_up == (row->how == HUNG_UP),
                           "%s", row->name);
        if (!is_right)
            printf("#   accepted=%g unknown=%g silent=%g dropped=%g hung_up=%d\n",
                   (double)outcome.counts[EVIDENCE_ACCEPTED],
                   (double)outcome.counts[EVIDENCE_UNKNOWN_RECIPIENT],
                   (double)outcome.counts[EVIDENCE_SILENT],
                   (double)outcome.counts[EVIDENCE_DROPPED], outcome.is_hung_up);
    }
}

static void test_more_evidence(void)
{
    struct session session = replay("HxMxuA");
    struct session_outcome outcome =
        session_outcome_of(&session, 0.2, SILENT_AFTER_MS, true, 9000);
    is_number(outcome.counts[EVIDENCE_PROTOCOL_ERROR], 2, "commands that SMTP does not know");
    is_number(outcome.counts[EVIDENCE_UNKNOWN_RECIPIENT], 1, "... besides other evidence");
    is_string(session_state_name(replay("HMx").state), "mail", "... change no state");
    is_number(replay("HMx").last_sign_ms, 1300, "... but are a sign of life");

    session = replay("");
    session.is_reclaimed = true;
    outcome = session_outcome_of(&session, 0.2, SILENT_AFTER_MS, true, 9000);
    is_number(outcome.counts[EVIDENCE_RECLAIMED], 1, "reclaimed");
    is_number(outcome.counts[EVIDENCE_SILENT], 0, "... is not silent as well");

    session = replay("");
    session.is_hung_up = session.is_hammering = true;
    outcome = session_outcome_of(&session, 0.2, SILENT_AFTER_MS, true, 1001);
    ok(outcome.is_hung_up && outcome.counts[EVIDENCE_HAMMERED] == 1, "hammers");
    session.is_hammering = false;
    session.is_in_burst = true;
    outcome = session_outcome_of(&session, 0.2, SILENT_AFTER_MS, true, 1001);
    ok(session_outcome_is_empty(&outcome), "one of several hang-ups at a time is not news");

    session = replay("HMgD.");
    session.is_shared = true;
    outcome = session_outcome_of(&session, 0.2, SILENT_AFTER_MS, true, 2000);
    ok(outcome.is_shared, "of a shared address");
    ok(session_is_behaving(&session) &&
           session_is_behaving(&(struct session){.state = SESSION_DATA}) &&
           !session_is_behaving(&(struct session){.state = SESSION_RCPT}),
       "sending mail, or having sent it, is to behave");
    char text[CLIENT_KEY_TEXT_SIZE];
    client_key_format(&session.keys.of[SCOPE_DOMAIN], text);
    is_string(text, "example.org", "domain of its name");
}

static void test_states(void)
{
    struct session session = replay("");
    is_string(session_state_name(session.state), "connected", "state after CONNECT");
    session = replay("A");
    is_string(session_state_name(session.state), "connected", "an abort alone changes nothing");
    session = replay("HMgD");
    is_string(session_state_name(session.state), "data", "state in DATA");
    is_number(session.last_sign_ms, 1400, "the last event is the last sign of life");
    session = replay("HMgD.");
    is_string(session_state_name(session.state), "helo", "state between messages");
}

int main(void)
{
    test_outcomes();
    test_more_evidence();
    test_states();
    return done_testing();
}
