#include "common/client_class.h"

#include <stdio.h>

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_BOT] = "bot",         [CLASS_SUSPECT] = "suspect",
    [CLASS_UNKNOWN] = "unknown", [CLASS_RETURNING] = "returning",
    [CLASS_GOOD] = "good",       [CLASS_TRUSTED] = "trusted",
};

struct context {
    const struct client_facts *facts;
    const struct class_settings *settings;
    const struct client_record *record; /* decayed to now */
    double bad_score;
};

static bool is_authenticated(const struct context *context)
{
    return context->facts->is_authenticated;
}

static bool is_in_trusted_networks(const struct context *context)
{
    return context->facts->is_in_trusted_networks;
}

static bool is_allowed(const struct context *context)
{
    return context->facts->is_allowed;
}

static bool has_no_address(const struct context *context)
{
    return !context->facts->has_address;
}

static bool has_bad_history(const struct context *context)
{
    const struct class_settings *settings = context->settings;
    double accepted = context->record->counts[EVIDENCE_ACCEPTED];
    return context->bad_score >= settings->bot_score &&
           context->bad_score > settings->bot_ratio * accepted;
}

static bool has_good_history(const struct context *context)
{
    const struct class_settings *settings = context->settings;
    const struct client_record *record = context->record;
    double accepted = record->counts[EVIDENCE_ACCEPTED];
    return accepted >= settings->good_messages &&
           accepted >= settings->good_ratio * context->bad_score &&
           context->facts->now_s - record->first_seen_s >= settings->good_age_s;
}

static bool got_no_answer(const struct context *context)
{
    return context->facts->history == HISTORY_MISSING;
}

static bool has_no_history(const struct context *context)
{
    return context->facts->history == HISTORY_NONE;
}

static bool always(const struct context *context)
{
    (void)context;
    return true;
}

/* Tried in order; the first that applies gives the class. A client without an address cannot be
 * told from others, so nothing is held against it. */
static const struct class_row {
    enum class_reason reason;
    const char *name;
    bool (*applies)(const struct context *context);
    enum client_class class;
} class_table[] = {
    {REASON_AUTHENTICATED,   "authenticated",   is_authenticated,       CLASS_TRUSTED},
    {REASON_TRUSTED_NETWORK, "trusted-network", is_in_trusted_networks, CLASS_TRUSTED},
    {REASON_ALLOWED,         "allowed",         is_allowed,             CLASS_TRUSTED},
    {REASON_NO_ADDRESS,      "no-address",      has_no_address,         CLASS_TRUSTED},
    {REASON_BAD_HISTORY,     "bad-history",     has_bad_history,        CLASS_BOT    },
    {REASON_GOOD_HISTORY,    "good-history",    has_good_history,       CLASS_GOOD   },
    {REASON_NO_ANSWER,       "no-answer",       got_no_answer,          CLASS_UNKNOWN},
    {REASON_NO_HISTORY,      "no-history",      has_no_history,         CLASS_UNKNOWN},
    {REASON_LITTLE_HISTORY,  "little-history",  always,                 CLASS_UNKNOWN},
};
_Static_assert(sizeof(class_table) / sizeof(class_table[0]) == REASON_COUNT, "a row a reason");

struct classification classify(const struct client_facts *facts,
                               const struct class_settings *settings)
{
    struct classification result = {.class = CLASS_UNKNOWN, .reason = REASON_LITTLE_HISTORY};
    if (facts->history == HISTORY_KNOWN) {
        result.record = facts->record;
        client_record_decay(&result.record, facts->now_s);
    }
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        result.bad_score += settings->weight[kind] * (double)result.record.counts[kind];

    struct context context = {facts, settings, &result.record, result.bad_score};
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (class_table[i].applies(&context)) {
            result.class = class_table[i].class;
            result.reason = class_table[i].reason;
            break;
        }
    }
    return result;
}

const char *client_class_name(enum client_class client_class)
{
    return class_names[client_class];
}

const char *class_reason_name(enum class_reason reason)
{
    return class_table[reason].name;
}

void evidence_format(const struct client_record *record, char out[static EVIDENCE_TEXT_SIZE])
{
    size_t length = 0;
    snprintf(out, EVIDENCE_TEXT_SIZE, "none");
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++) {
        if (record->counts[kind] < 0.05F || length >= EVIDENCE_TEXT_SIZE)
            continue;
        length += (size_t)snprintf(out + length, EVIDENCE_TEXT_SIZE - length, "%s%s:%.1f",
                                   length ? "," : "", evidence_table[kind].field,
                                   (double)record->counts[kind]);
    }
}
