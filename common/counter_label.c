#include "common/counter_label.h"

static const char *const verdict_names[] = {
    [COUNTED_CONTINUE] = "continue",       [COUNTED_HANG_UP_421] = "hang-up-421",
    [COUNTED_HANG_UP_521] = "hang-up-521", [COUNTED_REPLY] = "reply",
    [COUNTED_RESTRICTION] = "restriction", [COUNTED_OBSERVED] = "observed",
};

static const char *const end_names[] = {
    [SESSION_END_MAIL] = "mail",       [SESSION_END_NO_MAIL] = "no-mail",
    [SESSION_END_SILENT] = "silent",   [SESSION_END_DROPPED] = "dropped",
    [SESSION_END_HUNG_UP] = "hung-up", [SESSION_END_RECLAIMED] = "reclaimed",
    [SESSION_END_STOPPED] = "stopped", [SESSION_END_LOST] = "lost",
};

static const char *const lookup_names[] = {
    [LOOKUP_ANSWERED] = "answered",
    [LOOKUP_FAILED] = "failed",
    [LOOKUP_TIMED_OUT] = "timed-out",
    [LOOKUP_NOT_ASKED] = "not-asked",
};

static const char *const server_names[] = {
    [COUNTED_POLICY] = "policy",
    [COUNTED_SOCKETMAP] = "socketmap",
    [COUNTED_MEMCACHE] = "memcache",
    [COUNTED_HTTP] = "http",
};

static const char *const closed_names[] = {
    [CLOSED_MADE_ROOM] = "made-room",
    [CLOSED_TIMED_OUT] = "timed-out",
    [CLOSED_INVALID] = "invalid",
};

static const char *const listing_names[] = {
    [LISTING_LISTED] = "listed",       [LISTING_NOT_LISTED] = "not-listed",
    [LISTING_UNUSABLE] = "unusable",   [LISTING_FAILED] = "failed",
    [LISTING_TIMED_OUT] = "timed-out",
};

static const char *const source_names[] = {
    [RBL_SOURCE_MEMORY] = "memory",
    [RBL_SOURCE_REDIS] = "redis",
    [RBL_SOURCE_NETWORK] = "network",
    [RBL_SOURCE_JOINED] = "joined",
};

const char *counted_verdict_name(enum counted_verdict verdict)
{
    return verdict_names[verdict];
}

const char *session_end_name(enum session_end end)
{
    return end_names[end];
}

const char *lookup_name(enum lookup lookup)
{
    return lookup_names[lookup];
}

const char *counted_server_name(enum counted_server server)
{
    return server_names[server];
}

const char *closed_name(enum closed closed)
{
    return closed_names[closed];
}

const char *counted_listing_name(enum counted_listing listing)
{
    return listing_names[listing];
}

const char *cache_found_name(enum cache_found found)
{
    static const char *const names[] = {
        [CACHE_FOUND_REDIS] = "redis",
        [CACHE_FOUND_MEMORY] = "memory",
        [CACHE_FOUND_NOWHERE] = "nowhere",
    };
    return names[found];
}

const char *rbl_source_name(enum rbl_source source)
{
    return source_names[source];
}

enum counted_verdict counted_verdict_of(const struct verdict *verdict)
{
    if (verdict->is_observed)
        return COUNTED_OBSERVED;
    switch (verdict->action) {
    case VERDICT_CONTINUE:
        return COUNTED_CONTINUE;
    case VERDICT_HANG_UP:
        return verdict->code < 500 ? COUNTED_HANG_UP_421 : COUNTED_HANG_UP_521;
    case VERDICT_REPLY:
        return COUNTED_REPLY;
    case VERDICT_RESTRICTION:
        return COUNTED_RESTRICTION;
    }
    return COUNTED_CONTINUE;
}

enum counted_listing counted_listing_of(const struct rbl_answer *answer)
{
    if (answer->state == RBL_LISTED)
        return LISTING_LISTED;
    if (answer->state == RBL_NOT_LISTED)
        return LISTING_NOT_LISTED;
    if (answer->special != RBL_SPECIAL_NONE)
        return LISTING_UNUSABLE;
    return answer->failure == RBL_FAILURE_TIMEOUT ? LISTING_TIMED_OUT : LISTING_FAILED;
}

#define LABEL(symbol, size, name, value_name, help)                                            \
    static const char *name_of_##symbol(int value)                                             \
    {                                                                                          \
        return value_name;                                                                     \
    }
#define DYNAMIC(symbol, name, help)
#include "common/counter_label.def"
#undef LABEL
#undef DYNAMIC

/* clang-format off */
static const struct counter_label_info labels[COUNTER_LABEL_COUNT] = {
    [COUNTER_LABEL_NONE] = {"", "", 1, NULL},
#define LABEL(symbol, size, name, value_name, help)                                            \
    [COUNTER_LABEL_##symbol] = {name, help, size, name_of_##symbol},
#define DYNAMIC(symbol, name, help)                                                            \
    [COUNTER_LABEL_##symbol] = {name, help, COUNTER_NAMES_MAX + 1, NULL},
#include "common/counter_label.def"
#undef LABEL
#undef DYNAMIC
};
/* clang-format on */

const struct counter_label_info *counter_label_info(enum counter_label label)
{
    return &labels[label];
}
