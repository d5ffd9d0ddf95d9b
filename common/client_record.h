/*
 * client_record - what is remembered of one client key: a fixed-size record of decayed counts.
 *
 * Each kind of evidence is a row of evidence_table: the field it has in Redis, its half-life,
 * whether it speaks for or against the client. Counts are kept, not scores: weights are
 * configuration and may change without touching what is stored.
 *
 * Times are wall-clock seconds. Other hosts' clocks may be minutes off: a time in the future
 * counts as now.
 */
#ifndef POSTVALVE_COMMON_CLIENT_RECORD_H
#define POSTVALVE_COMMON_CLIENT_RECORD_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose record it is. Networks and domains have records like clients do, of the sessions of all
 * their clients. */
enum history_scope {
    SCOPE_CLIENT,  /* IPv4 address, IPv6 /64 */
    SCOPE_NETWORK, /* IPv4 /24, IPv6 /48 */
    SCOPE_DOMAIN,  /* registered domain of a verified client name */
    SCOPE_COUNT
};

enum evidence {
    EVIDENCE_ACCEPTED,          /* messages accepted */
    EVIDENCE_UNKNOWN_RECIPIENT, /* recipients rejected with 5.1.1 or 5.1.10 */
    EVIDENCE_SILENT,            /* sessions that held a slot without a HELO */
    EVIDENCE_DROPPED,           /* sessions dropped at once, without a HELO */
    EVIDENCE_PROTOCOL_ERROR,    /* commands that SMTP does not know */
    EVIDENCE_RECLAIMED,         /* sessions that we took the slot from */
    EVIDENCE_RBL,               /* sessions of a client that an RBL listed */
    EVIDENCE_HAMMERED,          /* sessions that came back too soon after a hang-up */
    EVIDENCE_BAD_CLIENT,        /* of networks and domains: clients that became suspect */
    EVIDENCE_COUNT
};

struct evidence_row {
    const char *field; /* name in Redis, log and explain */
    const char *help;
    double half_life_s;
    bool is_good;
};
extern const struct evidence_row evidence_table[EVIDENCE_COUNT];

struct client_record {
    int64_t first_seen_s; /* 0: no record */
    int64_t last_seen_s;  /* the counts are as of this time */
    int64_t hung_up_at_s; /* when the last burst of hang-ups began; 0: never */
    float counts[EVIDENCE_COUNT];
    int64_t shared_at_s; /* when last seen to be shared (NAT, proxy); 0: never */
};

/* How one session ended: what it adds to its client's record. */
struct session_outcome {
    float counts[EVIDENCE_COUNT];
    bool is_hung_up;
    bool is_shared; /* its address had many well-behaved sessions at a time: see rails.h */
};

/* Hang-ups within so many seconds of the first are one burst: an honest sender with several
 * messages connects several times at once, and to the next MX host within a second. */
#define CLIENT_RECORD_BURST_S 3

/* Brings the counts forward to now_s. */
void client_record_decay(struct client_record *record, int64_t now_s);
void client_record_add(struct client_record *record, const struct session_outcome *outcome,
                       int64_t now_s);
bool session_outcome_is_empty(const struct session_outcome *outcome);

/* A record is a Redis hash (doc/redis.md). Sets one field from its Redis form; unknown fields
 * and values that make no sense (negative, not a number) are ignored: false. */
bool client_record_set_field(struct client_record *record, struct slice name,
                             struct slice value);

/* The arguments of client_record_script after its single key: how many, and the texts.
 *   TTL_S IS_HUNG_UP IS_SHARED (FIELD HALF_LIFE_S AMOUNT)*EVIDENCE_COUNT
 * The script decays and adds in Redis, by Redis' clock, and sets the expiry. */
#define CLIENT_RECORD_ARGUMENTS     (3 + 3 * EVIDENCE_COUNT)
#define CLIENT_RECORD_ARGUMENT_SIZE 24
struct client_record_arguments {
    char text[CLIENT_RECORD_ARGUMENTS][CLIENT_RECORD_ARGUMENT_SIZE];
};
void client_record_format_arguments(const struct session_outcome *outcome, int64_t expire_s,
                                    struct client_record_arguments *arguments_r);
extern const char client_record_script[];

#endif
