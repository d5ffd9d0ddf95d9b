#include "common/client_class.h"

#include <stdio.h>

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_BOT] = "bot",         [CLASS_SUSPECT] = "suspect",
    [CLASS_UNKNOWN] = "unknown", [CLASS_RETURNING] = "returning",
    [CLASS_GOOD] = "good",       [CLASS_TRUSTED] = "trusted",
};

/* Counts decay from the moment they are written: three silent sessions in an hour are a little
 * less than three. Thresholds are met from here on. */
#define SLACK 0.95

/* More bad evidence of its own than this, and a client does not borrow the good name of its
 * domain or network: one mistake is forgiven, two are not. */
#define BORROWER_SCORE_MAX 1.5

struct weighed {
    bool is_known;
    struct client_record record; /* decayed to now */
    double score;
};

struct context {
    const struct client_facts *facts;
    const struct class_settings *settings;
    struct weighed of[SCOPE_COUNT];
    bool is_shared;
    bool is_hammering;
};

static double accepted(const struct weighed *weighed)
{
    return weighed->record.counts[EVIDENCE_ACCEPTED];
}

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

static bool is_own_address(const struct context *context)
{
    return context->facts->is_own_address;
}

static bool is_blocked(const struct context *context)
{
    return context->facts->is_blocked;
}

static bool is_good(const struct context *context, enum history_scope scope, double messages)
{
    const struct class_settings *settings = context->settings;
    const struct weighed *weighed = &context->of[scope];
    return weighed->is_known && accepted(weighed) >= SLACK * messages &&
           accepted(weighed) >= settings->good_ratio * weighed->score &&
           context->facts->now_s - weighed->record.first_seen_s >= settings->good_age_s;
}

static bool is_rbl_listed(const struct context *context)
{
    return context->facts->is_rbl_listed;
}

static bool has_good_history(const struct context *context)
{
    return is_good(context, SCOPE_CLIENT, context->settings->good_messages);
}

/* Behind an address that many share, others would pay for it. */
static bool is_bad(const struct context *context, double score, double ratio)
{
    const struct weighed *own = &context->of[SCOPE_CLIENT];
    return !context->is_shared && own->score >= SLACK * score &&
           own->score > ratio * accepted(own);
}

static bool has_bad_history(const struct context *context)
{
    return is_bad(context, context->settings->bot_score, context->settings->bot_ratio);
}

static bool has_suspicious_history(const struct context *context)
{
    return is_bad(context, context->settings->suspect_score, context->settings->suspect_ratio);
}

static bool hammers(const struct context *context)
{
    double count = context->of[SCOPE_CLIENT].record.counts[EVIDENCE_HAMMERED];
    return !context->is_shared && count >= SLACK * context->settings->hammer_count;
}

/* A list of good senders speaks against what history alone would make of the client, and for
 * nothing more. */
static bool is_spared_by_list(const struct context *context)
{
    return context->facts->is_rbl_permitted &&
           (has_bad_history(context) || hammers(context) || has_suspicious_history(context));
}

static bool may_borrow(const struct context *context)
{
    return context->of[SCOPE_CLIENT].score <= BORROWER_SCORE_MAX;
}

static bool has_good_domain(const struct context *context)
{
    return may_borrow(context) &&
           is_good(context, SCOPE_DOMAIN, context->settings->good_domain_messages);
}

static bool has_good_network(const struct context *context)
{
    return may_borrow(context) &&
           is_good(context, SCOPE_NETWORK, context->settings->good_network_messages);
}

static bool returned(const struct context *context, enum history_scope scope)
{
    int64_t hung_up_at_s = context->of[scope].record.hung_up_at_s;
    int64_t away_s = context->facts->now_s - hung_up_at_s;
    return hung_up_at_s != 0 && away_s >= context->settings->return_min_s &&
           away_s <= context->settings->return_max_s;
}

static bool has_returned(const struct context *context)
{
    return returned(context, SCOPE_CLIENT);
}

/* Big senders come back from another address. A domain that sends us no mail gives no such
 * credit: behind the name of an access provider bots would return for each other. */
static bool has_domain_returned(const struct context *context)
{
    return may_borrow(context) && returned(context, SCOPE_DOMAIN) &&
           is_good(context, SCOPE_DOMAIN, context->settings->good_messages);
}

static bool is_shared(const struct context *context)
{
    return context->is_shared;
}

/* Only for who has shown nothing good himself; and never more than suspect. */
static bool has_bad_network(const struct context *context)
{
    const struct weighed *network = &context->of[SCOPE_NETWORK];
    return !context->facts->is_rbl_permitted && accepted(&context->of[SCOPE_CLIENT]) < SLACK &&
           network->record.counts[EVIDENCE_BAD_CLIENT] >=
               SLACK * context->settings->bad_network_clients &&
           network->score > context->settings->bot_ratio * accepted(network);
}

static bool got_no_answer(const struct context *context)
{
    return context->facts->history[SCOPE_CLIENT].state == HISTORY_MISSING;
}

static bool has_no_history(const struct context *context)
{
    return context->facts->history[SCOPE_CLIENT].state == HISTORY_NONE;
}

static bool always(const struct context *context)
{
    (void)context;
    return true;
}

#define ROW(reason, name, applies, class, scope, is_bad_history)                               \
    {                                                                                          \
        reason, name, applies, class, scope, is_bad_history                                    \
    }

/* Tried in order; the first that applies gives the class. A client without an address cannot be
 * told from others, so nothing is held against it. Networks and domains can make a client
 * better; the worst that a network does is to make an unknown one suspect. */
static const struct class_row {
    enum class_reason reason;
    const char *name;
    bool (*applies)(const struct context *context);
    enum client_class class;
    enum history_scope scope; /* whose record is the evidence */
    bool is_bad_history;
} class_table[] = {
    ROW(REASON_AUTHENTICATED, "authenticated", is_authenticated, CLASS_TRUSTED, SCOPE_CLIENT,
        false),
    ROW(REASON_TRUSTED_NETWORK, "trusted-network", is_in_trusted_networks, CLASS_TRUSTED,
        SCOPE_CLIENT, false),
    ROW(REASON_ALLOWED, "allowed", is_allowed, CLASS_TRUSTED, SCOPE_CLIENT, false),
    ROW(REASON_NO_ADDRESS, "no-address", has_no_address, CLASS_TRUSTED, SCOPE_CLIENT, false),
    ROW(REASON_OWN_ADDRESS, "own-address", is_own_address, CLASS_TRUSTED, SCOPE_CLIENT, false),
    ROW(REASON_BLOCKED, "blocked", is_blocked, CLASS_BOT, SCOPE_CLIENT, false),
    ROW(REASON_RBL_LISTED, "rbl", is_rbl_listed, CLASS_BOT, SCOPE_CLIENT, false),
    ROW(REASON_GOOD_HISTORY, "good-history", has_good_history, CLASS_GOOD, SCOPE_CLIENT, false),
    ROW(REASON_RBL_PERMITTED, "allow-list", is_spared_by_list, CLASS_UNKNOWN, SCOPE_CLIENT,
        false),
    ROW(REASON_BAD_HISTORY, "bad-history", has_bad_history, CLASS_BOT, SCOPE_CLIENT, true),
    ROW(REASON_HAMMERING, "hammering", hammers, CLASS_SUSPECT, SCOPE_CLIENT, true),
    ROW(REASON_SUSPICIOUS_HISTORY, "suspicious-history", has_suspicious_history, CLASS_SUSPECT,
        SCOPE_CLIENT, true),
    ROW(REASON_GOOD_DOMAIN, "good-domain", has_good_domain, CLASS_GOOD, SCOPE_DOMAIN, false),
    ROW(REASON_GOOD_NETWORK, "good-network", has_good_network, CLASS_GOOD, SCOPE_NETWORK,
        false),
    ROW(REASON_RETURNED, "returned", has_returned, CLASS_RETURNING, SCOPE_CLIENT, false),
    ROW(REASON_DOMAIN_RETURNED, "domain-returned", has_domain_returned, CLASS_RETURNING,
        SCOPE_DOMAIN, false),
    ROW(REASON_SHARED_ADDRESS, "shared-address", is_shared, CLASS_UNKNOWN, SCOPE_CLIENT, false),
    ROW(REASON_BAD_NETWORK, "bad-network", has_bad_network, CLASS_SUSPECT, SCOPE_NETWORK, true),
    ROW(REASON_NO_ANSWER, "no-answer", got_no_answer, CLASS_UNKNOWN, SCOPE_CLIENT, false),
    ROW(REASON_NO_HISTORY, "no-history", has_no_history, CLASS_UNKNOWN, SCOPE_CLIENT, false),
    ROW(REASON_LITTLE_HISTORY, "little-history", always, CLASS_UNKNOWN, SCOPE_CLIENT, false),
};
_Static_assert(sizeof(class_table) / sizeof(class_table[0]) == REASON_COUNT, "a row a reason");

struct client_record history_weigh(const struct history_fact *history,
                                   const struct class_settings *settings, int64_t now_s,
                                   double *bad_score_r)
{
    struct client_record record = {.first_seen_s = 0};
    *bad_score_r = 0;
    if (history->state != HISTORY_KNOWN)
        return record;
    record = history->record;
    client_record_decay(&record, now_s);
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        *bad_score_r += settings->weight[kind] * (double)record.counts[kind];
    return record;
}

static void weigh_all(struct context *context)
{
    const struct client_facts *facts = context->facts;
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        struct weighed *weighed = &context->of[scope];
        weighed->is_known = facts->history[scope].state == HISTORY_KNOWN;
        weighed->record = history_weigh(&facts->history[scope], context->settings, facts->now_s,
                                        &weighed->score);
    }
    const struct client_record *own = &context->of[SCOPE_CLIENT].record;
    int64_t away_s = facts->now_s - own->hung_up_at_s;
    context->is_shared = facts->is_shared ||
                         (own->shared_at_s != 0 &&
                          facts->now_s - own->shared_at_s < context->settings->shared_memory_s);
    context->is_hammering = !context->is_shared && own->hung_up_at_s != 0 &&
                            away_s >= CLIENT_RECORD_BURST_S &&
                            away_s < context->settings->return_min_s;
}

static bool is_in_burst(const struct context *context)
{
    int64_t hung_up_at_s = context->of[SCOPE_CLIENT].record.hung_up_at_s;
    return hung_up_at_s != 0 && context->facts->now_s - hung_up_at_s < CLIENT_RECORD_BURST_S;
}

/* Recipients that do not exist may be a lookup table of ours that failed, for everybody at the
 * same time; that a client holds slots in silence is its own doing. */
static bool is_certain(const struct context *context)
{
    const struct class_settings *settings = context->settings;
    const struct weighed *own = &context->of[SCOPE_CLIENT];
    double score = 0;
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        if (kind == EVIDENCE_SILENT || kind == EVIDENCE_RECLAIMED)
            score += settings->weight[kind] * (double)own->record.counts[kind];
    return score >= SLACK * settings->bot_score && accepted(own) < SLACK;
}

struct classification classify(const struct client_facts *facts,
                               const struct class_settings *settings)
{
    struct context context;
    context.facts = facts;
    context.settings = settings;
    weigh_all(&context);

    const struct class_row *row = class_table;
    while (!row->applies(&context))
        row++;
    const struct weighed *evidence = &context.of[row->scope];
    return (struct classification){
        .class = row->class,
        .reason = row->reason,
        .scope = row->scope,
        .record = evidence->record,
        .bad_score = evidence->score,
        .is_hammering = context.is_hammering,
        .is_in_burst = is_in_burst(&context),
        .is_shared_now = facts->is_shared,
        .is_shared = context.is_shared,
        .has_own_mail = accepted(&context.of[SCOPE_CLIENT]) >= SLACK,
        .is_certain = is_certain(&context),
    };
}

static bool is_new_suspect(const struct history_fact *before,
                           const struct session_outcome *outcome,
                           const struct class_settings *settings, int64_t now_s)
{
    double score, ratio = settings->suspect_ratio;
    struct client_record record = history_weigh(before, settings, now_s, &score);
    double messages = record.counts[EVIDENCE_ACCEPTED];
    bool was_suspect = score >= SLACK * settings->suspect_score && score > ratio * messages;
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        score += settings->weight[kind] * (double)outcome->counts[kind];
    messages += outcome->counts[EVIDENCE_ACCEPTED];
    return !was_suspect && score >= SLACK * settings->suspect_score && score > ratio * messages;
}

void client_outcomes_get(const struct session_outcome *outcome,
                         const struct history_fact *before,
                         const struct class_settings *settings, int64_t now_s,
                         struct session_outcome outcomes_r[static SCOPE_COUNT])
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        outcomes_r[scope] = *outcome;
    outcomes_r[SCOPE_NETWORK].is_hung_up = false;
    outcomes_r[SCOPE_NETWORK].is_shared = outcomes_r[SCOPE_DOMAIN].is_shared = false;
    if (is_new_suspect(before, outcome, settings, now_s))
        outcomes_r[SCOPE_NETWORK].counts[EVIDENCE_BAD_CLIENT] =
            outcomes_r[SCOPE_DOMAIN].counts[EVIDENCE_BAD_CLIENT] = 1;
}

const char *client_class_name(enum client_class client_class)
{
    return class_names[client_class];
}

const char *class_reason_name(enum class_reason reason)
{
    return class_table[reason].name;
}

bool class_reason_is_bad_history(enum class_reason reason)
{
    return class_table[reason].is_bad_history;
}

const char *history_scope_name(enum history_scope scope)
{
    static const char *const names[SCOPE_COUNT] = {
        [SCOPE_CLIENT] = "client", [SCOPE_NETWORK] = "network", [SCOPE_DOMAIN] = "domain"};
    return names[scope];
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
