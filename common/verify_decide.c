#include "common/verify_decide.h"

struct context {
    const struct verify_facts *facts;
    const struct verify_settings *settings;
    enum address_kind kind;
    const struct verify_address *address;
    enum recipient_status status; /* as it counts */
    bool is_due, is_stressed;
};

static bool is_other_domain(const struct context *context)
{
    return !context->address->is_verified;
}

/* Bounces must come back (RFC 5321 section 4.5.5), and these be reachable. */
static bool is_exempt(const struct context *context)
{
    return context->facts->is_null_sender || context->facts->is_role;
}

static bool is_off(const struct context *context)
{
    return context->facts->is_off;
}

static bool is_guesser(const struct context *context)
{
    int64_t limit = context->settings->guess_limit[context->facts->level];
    return context->kind == ADDRESS_RECIPIENT && limit > 0 &&
           context->facts->guesses >= limit && context->facts->class < CLASS_GOOD;
}

static bool is_forgotten(const struct context *context)
{
    return context->status == RECIPIENT_FORGOTTEN;
}

/* What is due is asked about again, but not under stress. */
static bool is_deliverable(const struct context *context)
{
    return context->status == RECIPIENT_DELIVERABLE &&
           (!context->is_due || context->is_stressed);
}

static bool is_undeliverable(const struct context *context)
{
    return context->status == RECIPIENT_UNDELIVERABLE &&
           (!context->is_due || context->is_stressed);
}

static bool is_to_be_refreshed(const struct context *context)
{
    return context->status == RECIPIENT_DELIVERABLE ||
           context->status == RECIPIENT_UNDELIVERABLE;
}

/* Neither memory nor Redis: all addresses would be unknown. Postfix has a cache of its own, and
 * under stress waits for no probe either. */
static bool is_without_answer(const struct context *context)
{
    return !context->address->is_known;
}

static bool is_stressed(const struct context *context)
{
    return context->is_stressed && context->facts->class != CLASS_TRUSTED;
}

static bool is_budget_spent(const struct context *context)
{
    return !context->facts->is_probe_left && context->facts->class < CLASS_GOOD;
}

static bool always(const struct context *context)
{
    (void)context;
    return true;
}

static const struct rule_row {
    enum verify_rule rule;
    const char *name;
    bool (*applies)(const struct context *context);
    enum verify_answer answer;
} rule_table[] = {
    {VERIFY_RULE_OTHER_DOMAIN, "other-domain", is_other_domain, VERIFY_DUNNO},
    {VERIFY_RULE_EXEMPT, "exempt", is_exempt, VERIFY_DUNNO},
    {VERIFY_RULE_OFF, "off", is_off, VERIFY_ASK_POSTFIX},
    {VERIFY_RULE_GUESSER, "guesser", is_guesser, VERIFY_HANG_UP},
    {VERIFY_RULE_FORGOTTEN, "forgotten", is_forgotten, VERIFY_DUNNO},
    {VERIFY_RULE_DELIVERABLE, "deliverable", is_deliverable, VERIFY_DUNNO},
    {VERIFY_RULE_UNDELIVERABLE, "undeliverable", is_undeliverable, VERIFY_REJECT},
    {VERIFY_RULE_REFRESH, "refresh", is_to_be_refreshed, VERIFY_ASK_POSTFIX},
    {VERIFY_RULE_NO_ANSWER, "no-answer", is_without_answer, VERIFY_ASK_POSTFIX},
    {VERIFY_RULE_STRESSED, "stressed", is_stressed, VERIFY_ANSWER_DEFER},
    {VERIFY_RULE_BUDGET, "budget", is_budget_spent, VERIFY_ANSWER_DEFER},
    {VERIFY_RULE_PROBE, "probe", always, VERIFY_ASK_POSTFIX},
};
_Static_assert(sizeof(rule_table) / sizeof(rule_table[0]) == VERIFY_RULE_COUNT, "a row a rule");

static const struct rule_row *find_rule(const struct verify_facts *facts,
                                        const struct verify_settings *settings,
                                        enum address_kind kind)
{
    const struct verify_address *address = &facts->addresses[kind];
    const struct context context = {
        .facts = facts,
        .settings = settings,
        .kind = kind,
        .address = address,
        .status = recipient_record_status(&address->record, &settings->lifetimes, facts->now_s),
        .is_due = recipient_record_is_due(&address->record, &settings->lifetimes, facts->now_s),
        .is_stressed = facts->level >= settings->stress_level,
    };
    const struct rule_row *row = rule_table;
    while (!row->applies(&context))
        row++;
    return row;
}

struct verify_verdict verify_decide(const struct verify_facts *facts,
                                    const struct verify_settings *settings)
{
    struct verify_verdict verdict = {.answer = VERIFY_DUNNO};
    for (int kind = 0; kind < ADDRESS_KIND_COUNT; kind++) {
        const struct rule_row *row = find_rule(facts, settings, (enum address_kind)kind);
        bool is_accepted_anyway = row->answer == VERIFY_REJECT && settings->reject_code == 250;
        enum verify_answer answer = is_accepted_anyway ? VERIFY_DUNNO : row->answer;
        verdict.is_asked[kind] = answer == VERIFY_ASK_POSTFIX;
        if (kind == 0 || answer > verdict.answer) {
            verdict.answer = answer;
            verdict.rule = row->rule;
            verdict.kind = (enum address_kind)kind;
        }
    }
    return verdict;
}

const char *verify_rule_name(enum verify_rule rule)
{
    return rule_table[rule].name;
}
