/*
 * client_class - what a client is, from the facts, with the evidence that led there. Pure.
 */
#ifndef POSTVALVE_COMMON_CLIENT_CLASS_H
#define POSTVALVE_COMMON_CLIENT_CLASS_H

#include "common/client_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the least to the most trusted, as in DESIGN's vocabulary. */
enum client_class {
    CLASS_BOT,
    CLASS_SUSPECT,
    CLASS_UNKNOWN,
    CLASS_RETURNING, /* hung up on earlier, came back after a plausible delay */
    CLASS_GOOD,
    CLASS_TRUSTED,
    CLASS_COUNT
};

/* Why a client has its class: a row of the table in client_class.c. */
enum class_reason {
    REASON_AUTHENTICATED,
    REASON_TRUSTED_NETWORK,
    REASON_ALLOWED,
    REASON_NO_ADDRESS,
    REASON_OWN_ADDRESS,
    REASON_BLOCKED, /* by an administrator */
    REASON_RBL_LISTED,
    REASON_GOOD_HISTORY,
    REASON_RBL_PERMITTED,
    REASON_BAD_HISTORY,
    REASON_HAMMERING,
    REASON_SUSPICIOUS_HISTORY,
    REASON_GOOD_DOMAIN,
    REASON_GOOD_NETWORK,
    REASON_RETURNED,
    REASON_DOMAIN_RETURNED,
    REASON_SHARED_ADDRESS,
    REASON_BAD_NETWORK,
    REASON_NO_ANSWER, /* history not available in time */
    REASON_NO_HISTORY,
    REASON_LITTLE_HISTORY,
    REASON_COUNT
};

struct class_settings {
    double good_messages; /* accepted messages (decayed) from which on a client is good */
    int64_t good_age_s;   /* ... and known for at least so long */
    double good_ratio;    /* ... and accepted at least so many for each point of bad evidence */
    double good_domain_messages;  /* as good_messages, for all clients of a domain */
    double good_network_messages; /* ... of a network */
    double suspect_score;         /* weighted bad evidence from which on a client is suspect */
    double suspect_ratio; /* ... and more than so many points for each accepted message */
    double bot_score;     /* weighted bad evidence from which on a client is a bot */
    double bot_ratio;     /* ... and more than so many points for each accepted message */
    double
        unknown_share; /* of a session's recipients, from which on unknown ones are evidence */
    double bad_network_clients;    /* suspect clients from which on a network is bad */
    int64_t return_min_s;          /* coming back sooner after a hang-up is hammering */
    int64_t return_max_s;          /* coming back later is coming anew */
    double hammer_count;           /* sessions too soon after a hang-up that make a suspect */
    int64_t shared_memory_s;       /* how long an address seen to be shared counts as shared */
    double weight[EVIDENCE_COUNT]; /* points for each count of bad evidence */
};

/* History is a fact even where there is none, or none in time. */
enum history_state {
    HISTORY_MISSING, /* Redis did not answer, and nothing in memory */
    HISTORY_NONE,    /* no record */
    HISTORY_KNOWN,
};

struct history_fact {
    enum history_state state;
    struct client_record record; /* HISTORY_KNOWN; as of its own last_seen_s */
};

struct client_facts {
    bool has_address;
    bool is_authenticated;
    bool is_in_trusted_networks;
    bool is_allowed;
    bool is_blocked;
    bool is_own_address;   /* of an interface of this host */
    bool is_shared;        /* many well-behaved sessions at this moment: see rails.h */
    bool is_rbl_listed;    /* DNS lists have it, as the configuration weighs them */
    bool is_rbl_permitted; /* a DNS list of good senders has it */
    struct history_fact history[SCOPE_COUNT];
    int64_t now_s; /* wall clock */
};

struct classification {
    enum client_class class;
    enum class_reason reason;
    enum history_scope scope;    /* whose record is the evidence */
    struct client_record record; /* that record, decayed to now */
    double bad_score;            /* its points */
    bool is_hammering;           /* this session came too soon after a hang-up; not of a shared
                                    address, where it was another one's */
    bool is_in_burst;            /* ... at the same time: another hang-up is not news */
    bool is_shared_now;          /* as the facts say */
    bool is_shared;    /* now, or seen to be not long ago: many pay for what one does */
    bool has_own_mail; /* mail of this very client was accepted before */
    bool is_certain;   /* its own silence alone would make it a bot, and it has no mail:
                          no failure of ours looks like that */
};

struct classification classify(const struct client_facts *facts,
                               const struct class_settings *settings);

/* A record as it counts now, and its points; all zero unless HISTORY_KNOWN. */
struct client_record history_weigh(const struct history_fact *history,
                                   const struct class_settings *settings, int64_t now_s,
                                   double *bad_score_r);
/* What one session adds to the records of its client, its network and its domain. before: the
 * record of the client: when the session makes it suspect, the other two remember that. Nobody
 * comes back for his network: it does not learn of hang-ups. */
void client_outcomes_get(const struct session_outcome *outcome,
                         const struct history_fact *before,
                         const struct class_settings *settings, int64_t now_s,
                         struct session_outcome outcomes_r[static SCOPE_COUNT]);

const char *client_class_name(enum client_class client_class);
/* The reason as a word, e.g. "good-history". */
const char *class_reason_name(enum class_reason reason);
/* Whether the class comes from what was recorded of bad behaviour, and from nothing else. */
bool class_reason_is_bad_history(enum class_reason reason);
/* "client", "network", "domain". */
const char *history_scope_name(enum history_scope scope);

#define EVIDENCE_TEXT_SIZE 256
/* The counts that are not zero: "accepted:12.0,silent:3.0", or "none". */
void evidence_format(const struct client_record *record, char out[static EVIDENCE_TEXT_SIZE]);

#endif
