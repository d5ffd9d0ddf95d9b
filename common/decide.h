/*
 * decide - the one pure function from facts to verdict.
 *
 * No I/O, no clock, no allocation: policyd, milter, postvalvectl and the unit tests gather the
 * facts in their own ways and call the same decide(). The rules are a table in decide.c, tried
 * in order; the first that applies gives the verdict.
 */
#ifndef POSTVALVE_COMMON_DECIDE_H
#define POSTVALVE_COMMON_DECIDE_H

#include "common/client_class.h"
#include "common/level.h"
#include "common/newcomers.h"
#include "common/rails.h"
#include "common/sensor.h"

#include <stdbool.h>
#include <stddef.h>

/* Where in the SMTP session we are asked (protocol_state of a policy request, milter event). */
enum stage {
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_END_OF_MESSAGE,
    STAGE_OTHER, /* ETRN, VRFY: never hung up on */
    STAGE_COUNT
};

/* Who asks: what a reply code does depends on it (see doc/architecture.md, "Hang-ups"). */
enum front { FRONT_POLICY, FRONT_MILTER };

/* In the order in which they are tried: the table in decide.c. */
enum rule {
    RULE_OFF,
    RULE_TRUSTED,
    RULE_RBL,
    RULE_BOT,
    RULE_SESSION,
    RULE_ADMITTED_BEFORE,
    RULE_HAMMERING,
    RULE_NEWCOMER,
    RULE_CEILING,
    RULE_ADMIT,
    RULE_COUNT
};

enum mode { MODE_ENFORCE, MODE_OBSERVE, MODE_OFF };

struct admission_settings {
    enum mode mode;
    /* Share of busy slots above which a class is no longer admitted; what counts is what
     * admission_ceiling() says. */
    double ceiling[CLASS_COUNT];
    double ceiling_suspect_elevated; /* of suspects, in place of theirs, while elevated */
    /* Level from which on bots are hung up on, whatever the pressure. */
    enum level bot_level;
    bool is_observed[RULE_COUNT]; /* rules that only tell what they would do */
    struct rails_settings rails;
    struct newcomers_settings newcomers;
};

struct macro;

struct reply_settings {  /* text after the code, enhanced status code first (RFC 3463) */
    char *hang_up_later; /* 421: may be legitimate, come back */
    char *hang_up_bot;   /* 521 */
    struct macro *later_template, *bot_template; /* the same, compiled: see reply_text.h */
};

/* What DNS lists say of the client, where the front asked them: that a list has it is in its
 * client_facts. */
struct rbl_facts {
    const char *check; /* the one that decided, "zen.example=127.0.0.10"; NULL: not listed */
    int code;          /* of the reply to it, at the level of decide_level() */
    const char *text;  /* after the code; or the restriction that Postfix is to apply itself */
    bool is_mapped;    /* the administrator chose this reply for the list */
    bool is_restriction;
};

/* Of this host at this moment: see newcomers.h. Where nobody counts them: all zero. */
struct newcomer_facts {
    bool are_on_trial;
    int busy;       /* slots that newcomers have, the asking session included */
    int delivering; /* sessions of theirs that end with mail each second */
};

struct facts {
    enum front front;
    enum stage stage;
    bool is_session_admitted; /* this SMTP session was admitted earlier */
    double session_score;     /* points of bad evidence in this session so far */
    int session_messages;     /* accepted in this session so far */
    bool is_switched_off;     /* by an administrator, for all of this host */
    struct client_facts client;
    struct rbl_facts rbl;
    bool is_history_capped; /* too many were hung up on by history alone: see rails.h */
    struct newcomer_facts newcomers;
    struct pressure pressure;
    enum level level;     /* with hysteresis, from level_tracker */
    bool is_level_forced; /* by an administrator: the pressure does not raise it */
};

enum verdict_action {
    VERDICT_CONTINUE,
    VERDICT_HANG_UP,
    VERDICT_REPLY,       /* a reply that does not end the session */
    VERDICT_RESTRICTION, /* text is one of Postfix's own, for it to apply */
};

struct verdict {
    enum verdict_action action; /* what to do: VERDICT_CONTINUE in observe mode */
    bool is_observed;           /* would have been another but for observe mode */
    bool is_by_history_alone;   /* without what was recorded it would not have been one */
    enum rule rule;
    int code;         /* 421 or 521, RULE_RBL: any 4xx or 5xx; 0: none */
    const char *text; /* of the facts, or of the settings as reply_text_expand() leaves it */
    enum level level; /* the level that counted */
    double ceiling;   /* of the class; 0 where none was compared */
    struct classification classification;
};

struct decide_settings {
    const struct admission_settings *admission;
    const struct level_settings *level;
    const struct class_settings *client_class;
    const struct reply_settings *reply;
};

/* The ceiling of a class at a level. Ceilings keep the order of the classes, so that whoever
 * sets one of them need not set all: that of returning lies between those of unknown and good,
 * that of suspects is at most that of unknown. */
double admission_ceiling(const struct admission_settings *admission, enum client_class class,
                         enum level level);

/* The level that counts: the published one, or what the pressure of this moment calls for. */
enum level decide_level(const struct facts *facts, const struct level_settings *settings);
/* What calls for a level at this moment, without the hold time of a level that nothing calls
 * for any more; one that an administrator forced counts. */
enum level decide_level_now(const struct facts *facts, const struct level_settings *settings);
struct verdict decide(const struct facts *facts, const struct decide_settings *settings);

/* Hung up on because of the level: while it is calm it would have been let in. */
bool verdict_is_of_level(const struct verdict *verdict);

const char *stage_name(enum stage stage);
const char *rule_name(enum rule rule);
const char *mode_name(enum mode mode);

#endif
