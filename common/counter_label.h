/*
 * counter_label - the labels of counters and their values (counter_label.def), and what is only
 * told apart where it is counted.
 */
#ifndef POSTVALVE_COMMON_COUNTER_LABEL_H
#define POSTVALVE_COMMON_COUNTER_LABEL_H

#include "common/decide.h"
#include "common/rbl_answer.h"
#include "common/redis_health.h"
#include "common/verify_decide.h"

#define COUNTER_NAMES_MAX 32 /* of a dynamic label, beside "other" */

enum counted_verdict {
    COUNTED_CONTINUE,
    COUNTED_HANG_UP_421,
    COUNTED_HANG_UP_521,
    COUNTED_REPLY,       /* another code */
    COUNTED_RESTRICTION, /* one of Postfix's own, for it to apply */
    COUNTED_OBSERVED,    /* a hang-up or reply, but for observe mode */
    COUNTED_VERDICT_COUNT
};

enum session_end {
    SESSION_END_MAIL,      /* with a message accepted */
    SESSION_END_NO_MAIL,   /* said HELO, and had no message accepted */
    SESSION_END_SILENT,    /* held its slot and never said HELO */
    SESSION_END_DROPPED,   /* gone at once, without HELO */
    SESSION_END_HUNG_UP,   /* by us */
    SESSION_END_RECLAIMED, /* its slot was taken back */
    SESSION_END_STOPPED,   /* the milter ended, the session goes on without it */
    SESSION_END_LOST,      /* the milter died */
    SESSION_END_COUNT
};

/* What comes of a question to Redis or DNS. */
enum lookup {
    LOOKUP_ANSWERED,
    LOOKUP_FAILED,
    LOOKUP_TIMED_OUT,
    LOOKUP_NOT_ASKED, /* away, or too many on their way */
    LOOKUP_COUNT
};

enum decision_line { DECISION_LINE_WRITTEN, DECISION_LINE_DROPPED, DECISION_LINE_COUNT };

/* The protocols that policyd serves. */
enum counted_server {
    COUNTED_POLICY,
    COUNTED_SOCKETMAP,
    COUNTED_MEMCACHE,
    COUNTED_HTTP,
    COUNTED_SERVER_COUNT
};

enum closed { CLOSED_MADE_ROOM, CLOSED_TIMED_OUT, CLOSED_INVALID, CLOSED_COUNT };

enum counted_listing {
    LISTING_LISTED,
    LISTING_NOT_LISTED,
    LISTING_UNUSABLE, /* the list refuses to serve us, or is no list */
    LISTING_FAILED,
    LISTING_TIMED_OUT,
    COUNTED_LISTING_COUNT
};

enum rbl_source {
    RBL_SOURCE_MEMORY,
    RBL_SOURCE_REDIS,
    RBL_SOURCE_NETWORK,
    RBL_SOURCE_JOINED, /* somebody else was asking already */
    RBL_SOURCE_COUNT
};

/* Where a shared cache found what it was asked for. */
enum cache_found {
    CACHE_FOUND_REDIS,
    CACHE_FOUND_MEMORY, /* Redis is away, or was when it was stored */
    CACHE_FOUND_NOWHERE,
    CACHE_FOUND_COUNT
};

const char *counted_verdict_name(enum counted_verdict verdict);
const char *session_end_name(enum session_end end);
const char *lookup_name(enum lookup lookup);
const char *counted_server_name(enum counted_server server);
const char *closed_name(enum closed closed);
const char *counted_listing_name(enum counted_listing listing);
const char *rbl_source_name(enum rbl_source source);
const char *cache_found_name(enum cache_found found);

enum counted_verdict counted_verdict_of(const struct verdict *verdict);
enum counted_listing counted_listing_of(const struct rbl_answer *answer);

enum counter_label {
    COUNTER_LABEL_NONE,
#define LABEL(symbol, size, name, value_name, help) COUNTER_LABEL_##symbol,
#define DYNAMIC(symbol, name, help)                 COUNTER_LABEL_##symbol,
#include "common/counter_label.def"
#undef LABEL
#undef DYNAMIC
    COUNTER_LABEL_COUNT
};

enum {
    COUNTER_LABEL_SIZE_NONE = 1,
#define LABEL(symbol, size, name, value_name, help) COUNTER_LABEL_SIZE_##symbol = (size),
#define DYNAMIC(symbol, name, help)                 COUNTER_LABEL_SIZE_##symbol = COUNTER_NAMES_MAX + 1,
#include "common/counter_label.def"
#undef LABEL
#undef DYNAMIC
};

struct counter_label_info {
    const char *name, *help;
    int size;                       /* values */
    const char *(*value_name)(int); /* NULL: dynamic */
};

const struct counter_label_info *counter_label_info(enum counter_label label);

#endif
