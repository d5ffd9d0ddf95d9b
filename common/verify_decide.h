/*
 * verify_decide - the one pure function from what is known of a recipient (and its sender) to
 * the answer: a table of rules, tried in order, for each of the two; the stricter answer
 * counts.
 */
#ifndef POSTVALVE_COMMON_VERIFY_DECIDE_H
#define POSTVALVE_COMMON_VERIFY_DECIDE_H

#include "common/client_class.h"
#include "common/config.h"
#include "common/level.h"
#include "common/recipient_record.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are tried. */
enum verify_rule {
    VERIFY_RULE_OTHER_DOMAIN,
    VERIFY_RULE_EXEMPT,
    VERIFY_RULE_OFF,
    VERIFY_RULE_GUESSER,
    VERIFY_RULE_FORGOTTEN,
    VERIFY_RULE_DELIVERABLE,
    VERIFY_RULE_UNDELIVERABLE,
    VERIFY_RULE_REFRESH,
    VERIFY_RULE_NO_ANSWER,
    VERIFY_RULE_STRESSED,
    VERIFY_RULE_BUDGET,
    VERIFY_RULE_PROBE,
    VERIFY_RULE_COUNT
};

/* From the mildest to the strictest. */
enum verify_answer {
    VERIFY_DUNNO,
    VERIFY_ASK_POSTFIX, /* it verifies: from its cache, or with a probe */
    VERIFY_ANSWER_DEFER,
    VERIFY_REJECT,
    VERIFY_HANG_UP,
};

struct verify_address {
    bool is_verified; /* its domain is configured */
    bool is_known;    /* memory or Redis could say what there is */
    struct recipient_record record;
};

struct verify_facts {
    bool is_off; /* nobody is to be turned away by us: Postfix does what it would do alone */
    enum level level;
    enum client_class class;
    bool is_null_sender;
    bool is_role;       /* the recipient is postmaster or abuse */
    bool is_probe_left; /* of those that may come to nothing */
    int64_t guesses;    /* unknown recipients of this session so far */
    int64_t now_s;
    struct verify_address addresses[ADDRESS_KIND_COUNT];
};

struct verify_verdict {
    enum verify_answer answer;
    enum verify_rule rule;
    enum address_kind kind;            /* whose rule it is */
    bool is_asked[ADDRESS_KIND_COUNT]; /* VERIFY_ASK_POSTFIX: which */
};

struct verify_verdict verify_decide(const struct verify_facts *facts,
                                    const struct verify_settings *settings);

const char *verify_rule_name(enum verify_rule rule);

#endif
