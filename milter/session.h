/*
 * session - what the milter knows of one SMTP session, and how it ended. Pure.
 *
 * Time is an input. libmilter calls the events of one session in sequence, but on changing
 * threads (it may keep a pool of them), and the end of the program looks at all sessions: a
 * session that is in the session table is changed only while the table is locked.
 */
#ifndef POSTVALVE_MILTER_SESSION_H
#define POSTVALVE_MILTER_SESSION_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_keys.h"
#include "common/client_record.h"

#include <stdbool.h>
#include <stdint.h>

enum session_state {
    SESSION_CONNECTED,
    SESSION_HELO, /* also between two messages */
    SESSION_MAIL,
    SESSION_RCPT,
    SESSION_DATA,
};

struct session {
    struct session *previous, *next; /* session_table's */
    uint64_t id;                     /* session_table's; never used again */
    uint16_t service_port;           /* of the service that it belongs to, see config.h */
    struct address address;
    struct client_keys keys;
    char *sender;          /* argument of MAIL, where senders are verified; NULL: not known */
    char client_name[128]; /* as the MTA says it, perhaps cut; for the reply text */
    uint16_t port;         /* of the client; 0: not known */
    struct address local_address; /* of ours; ADDRESS_NONE: not known */
    uint16_t local_port;
    uint64_t socket_cookie; /* see host/sock_destroy.h; 0: not known */
    enum session_state state;
    enum client_class class;       /* as of the last decision */
    enum client_class first_class; /* as of the first one; is_counted: there was one */
    bool is_counted;               /* as started: session_count's */
    bool has_said_helo;
    bool is_hung_up;          /* by us: the slot is free in less than a millisecond */
    bool is_reclaimed;        /* we took its slot back */
    bool is_reclaim_observed; /* we would have, but for observe mode */
    bool is_misbehaving;      /* was to be hung up on, but Postfix has answered already */
    bool is_in_burst;         /* began with or right after another hang-up */
    bool is_hammering;        /* came too soon after a hang-up */
    bool is_shared;           /* its address is: see rails.h */
    bool is_newcomer;         /* see newcomers.h; until the decision at CONNECT: may be */
    int64_t connected_ms;
    int64_t last_sign_ms;          /* of life: the last event, monotonic */
    int64_t without_data_since_ms; /* CONNECT, or the end of the last DATA */
    /* Of the message that is being sent. */
    int accepted_recipients;
    /* Of the session so far. */
    int accepted_messages;
    int known_recipients; /* accepted */
    int unknown_recipients;
    int protocol_errors; /* commands that SMTP does not know */
};

/* What Postfix tells of a recipient (macros of the RCPT event); NULL where it does not. */
struct recipient_macros {
    const char *mailer; /* {rcpt_mailer}: "error" for one that Postfix rejected */
    const char *host;   /* {rcpt_host}: then the enhanced status code */
    const char *text;   /* {rcpt_addr}: then what follows it */
};

/* name: of the client as the MTA verified it; "unknown" or an address in brackets: not. */
void session_init(struct session *session, const struct address *address, struct slice name,
                  uint16_t port, int64_t now_ms);

/* Events. */
void session_on_helo(struct session *session, int64_t now_ms);
void session_on_mail(struct session *session, int64_t now_ms);
void session_on_recipient(struct session *session, const struct recipient_macros *macros,
                          int64_t now_ms);
void session_on_protocol_error(struct session *session, int64_t now_ms);
void session_on_data(struct session *session, int64_t now_ms);
/* The end of a message that nobody has rejected so far. */
void session_on_message(struct session *session, int64_t now_ms);
void session_on_abort(struct session *session, int64_t now_ms);

/* Points of bad evidence in the session so far. */
double session_bad_score(const struct session *session, const struct class_settings *settings);

/* Whether it does what mail servers do: its address is worth more with it. */
bool session_is_behaving(const struct session *session);

/* How it ended, or stands: what a session leaves in its client's record. A client without a
 * HELO was silent if it held its slot for silent_after_ms, otherwise it dropped the connection;
 * the latter is only known where has_ended. Unknown recipients are evidence where they are this
 * share of all. Nothing for trusted clients. */
struct session_outcome session_outcome_of(const struct session *session, double unknown_share,
                                          int64_t silent_after_ms, bool has_ended,
                                          int64_t now_ms);

const char *session_state_name(enum session_state state);

#endif
