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
    REASON_BAD_HISTORY,
    REASON_GOOD_HISTORY,
    REASON_NO_ANSWER, /* history not available in time */
    REASON_NO_HISTORY,
    REASON_LITTLE_HISTORY,
    REASON_COUNT
};

struct class_settings {
    double good_messages; /* accepted messages (decayed) from which on a client is good */
    int64_t good_age_s;   /* ... and known for at least so long */
    double good_ratio;    /* ... and accepted at least so many for each point of bad evidence */
    double bot_score;     /* weighted bad evidence from which on a client is a bot */
    double bot_ratio;     /* ... and more than so many points for each accepted message */
    double weight[EVIDENCE_COUNT]; /* points for each count of bad evidence */
};

/* History is a fact even where there is none, or none in time. */
enum history_state {
    HISTORY_MISSING, /* Redis did not answer, and nothing in memory */
    HISTORY_NONE,    /* no record */
    HISTORY_KNOWN,
};

struct client_facts {
    bool has_address;
    bool is_authenticated;
    bool is_in_trusted_networks;
    bool is_allowed;
    enum history_state history;
    struct client_record record; /* HISTORY_KNOWN; as of its own last_seen_s */
    int64_t now_s;               /* wall clock */
};

struct classification {
    enum client_class class;
    enum class_reason reason;
    struct client_record record; /* decayed to now */
    double bad_score;
};

struct classification classify(const struct client_facts *facts,
                               const struct class_settings *settings);

const char *client_class_name(enum client_class client_class);
/* The reason as a word, e.g. "good-history". */
const char *class_reason_name(enum class_reason reason);

#define EVIDENCE_TEXT_SIZE 224
/* The counts that are not zero: "accepted:12.0,silent:3.0", or "none". */
void evidence_format(const struct client_record *record, char out[static EVIDENCE_TEXT_SIZE]);

#endif
