#include "common/decide.h"

static const char *const stage_names[STAGE_COUNT] = {
    [STAGE_CONNECT] = "CONNECT", [STAGE_HELO] = "HELO",
    [STAGE_MAIL] = "MAIL",       [STAGE_RCPT] = "RCPT",
    [STAGE_DATA] = "DATA",       [STAGE_END_OF_MESSAGE] = "END-OF-MESSAGE",
    [STAGE_OTHER] = "OTHER",
};

static const char *const mode_names[] = {
    [MODE_ENFORCE] = "enforce",
    [MODE_OBSERVE] = "observe",
    [MODE_OFF] = "off",
};

struct context {
    const struct facts *facts;
    const struct admission_settings *admission;
    const struct classification *classification;
    enum client_class class;     /* as it counts */
    enum level level, level_now; /* see decide_level(), decide_level_now() */
    const struct class_settings *classes;
};

static bool is_off(const struct context *context)
{
    return context->admission->mode == MODE_OFF || context->facts->is_switched_off ||
           context->facts->stage == STAGE_OTHER;
}

static bool is_trusted(const struct context *context)
{
    return context->class == CLASS_TRUSTED;
}

static bool is_listed(const struct context *context)
{
    return context->classification->reason == REASON_RBL_LISTED && context->facts->rbl.check;
}

/* Who an administrator blocks, at any level. */
static bool is_bot(const struct context *context)
{
    return context->class == CLASS_BOT && (context->level >= context->admission->bot_level ||
                                           context->classification->reason == REASON_BLOCKED);
}

/* What a session shows of itself ends it as what was remembered would have kept it out; but it
 * is one session, so the client may come back. */
static bool is_session_bad(const struct context *context)
{
    const struct facts *facts = context->facts;
    const struct class_settings *classes = context->classes;
    return context->class < CLASS_GOOD && !context->classification->is_shared &&
           context->level >= context->admission->bot_level &&
           facts->session_score >= classes->bot_score &&
           facts->session_score > classes->bot_ratio * facts->session_messages;
}

static bool was_admitted(const struct context *context)
{
    return context->facts->is_session_admitted;
}

/* Mail servers wait between two attempts; whoever does not can wait until he has. Several
 * attempts at once are no sign of that, but a suspect's are no better than its others. */
static bool is_hammering(const struct context *context)
{
    const struct classification *classification = context->classification;
    bool is_too_soon = classification->is_hammering ||
                       (classification->is_in_burst && context->class < CLASS_UNKNOWN);
    return is_too_soon && context->class < CLASS_GOOD && context->level_now >= LEVEL_STRESSED;
}

static bool is_too_much_of_newcomers(const struct context *context, enum client_class class)
{
    const struct newcomer_facts *newcomers = &context->facts->newcomers;
    const struct pressure *pressure = &context->facts->pressure;
    if (class > CLASS_UNKNOWN || !newcomers->are_on_trial || !pressure->is_known ||
        context->level_now < LEVEL_STRESSED || context->classification->is_shared)
        return false;
    return class < CLASS_UNKNOWN ||
           newcomers->busy >
               newcomers_slots(&context->admission->newcomers, pressure->slot_limit);
}

static bool is_newcomer_too_many(const struct context *context)
{
    return is_too_much_of_newcomers(context, context->class);
}

double admission_ceiling(const struct admission_settings *admission, enum client_class class,
                         enum level level)
{
    double ceiling = admission->ceiling[class], unknown = admission->ceiling[CLASS_UNKNOWN];
    if (class == CLASS_SUSPECT && level < LEVEL_STRESSED)
        ceiling = admission->ceiling_suspect_elevated;
    if (class == CLASS_RETURNING && ceiling > admission->ceiling[CLASS_GOOD])
        ceiling = admission->ceiling[CLASS_GOOD];
    bool is_out_of_order = class == CLASS_RETURNING
                               ? ceiling < unknown
                               : class < CLASS_UNKNOWN && ceiling > unknown;
    return is_out_of_order ? unknown : ceiling;
}

/* That of unknown clients is up to that of returning ones while newcomers deliver. */
static double ceiling_now(const struct context *context, enum client_class class)
{
    const struct facts *facts = context->facts;
    double ceiling = admission_ceiling(context->admission, class, context->level);
    if (class != CLASS_UNKNOWN || facts->newcomers.are_on_trial ||
        facts->pressure.slot_limit <= 0)
        return ceiling;
    int slot_limit = facts->pressure.slot_limit;
    int extra = newcomers_extra_slots(facts->newcomers.delivering, slot_limit);
    double most = admission_ceiling(context->admission, CLASS_RETURNING, context->level);
    ceiling += (double)extra / slot_limit;
    return ceiling < most ? ceiling : most;
}

/* Below elevated everybody is in. A pressure that nothing measured holds nobody back. */
static bool is_above_ceiling_of(const struct context *context, enum client_class class)
{
    const struct pressure *pressure = &context->facts->pressure;
    return pressure->is_known && context->level > LEVEL_CALM &&
           pressure->slots > ceiling_now(context, class);
}

static bool is_above_ceiling(const struct context *context)
{
    return is_above_ceiling_of(context, context->class);
}

static bool always(const struct context *context)
{
    (void)context;
    return true;
}

/* RBL results are judged as they are now; what was recorded of them is evidence like other. */
static bool is_by_history(const struct classification *classification)
{
    return class_reason_is_bad_history(classification->reason) &&
           classification->record.counts[EVIDENCE_RBL] < 0.5F;
}

/* Where history alone hung up on more than its share, it may be wrong (a lookup table that
 * failed makes all recipients unknown). Whoever sent mail before is measured like anybody. */
static enum client_class class_that_counts(const struct facts *facts,
                                           const struct classification *classification)
{
    bool is_spared = facts->is_history_capped && is_by_history(classification) &&
                     classification->has_own_mail;
    return is_spared ? CLASS_UNKNOWN : classification->class;
}

#define CODE_OF_LIST (-1) /* that of the facts */

/* Tried in order; the first that applies gives the verdict. */
static const struct rule_row {
    enum rule rule;
    const char *name;
    bool (*applies)(const struct context *context);
    int code; /* 0: continue; CODE_OF_LIST */
} rule_table[] = {
    {RULE_OFF, "off", is_off, 0},
    {RULE_TRUSTED, "trusted", is_trusted, 0},
    {RULE_RBL, "rbl", is_listed, CODE_OF_LIST},
    {RULE_BOT, "bot", is_bot, 521},
    {RULE_SESSION, "session", is_session_bad, 421},
    {RULE_ADMITTED_BEFORE, "admitted-before", was_admitted, 0},
    {RULE_HAMMERING, "hammering", is_hammering, 421},
    {RULE_NEWCOMER, "newcomer", is_newcomer_too_many, 421},
    {RULE_CEILING, "ceiling", is_above_ceiling, 421},
    {RULE_ADMIT, "admit", always, 0},
};
_Static_assert(sizeof(rule_table) / sizeof(rule_table[0]) == RULE_COUNT, "a row a rule");

/* What the front can say at this stage so that the client loses its slot. Postfix keeps the
 * session open after a milter's 521 at CONNECT or HELO and hangs up only at MAIL. */
static int hang_up_code(const struct facts *facts, int code)
{
    bool is_before_mail = facts->stage == STAGE_CONNECT || facts->stage == STAGE_HELO;
    return facts->front == FRONT_MILTER && is_before_mail ? 421 : code;
}

/* The published level may lag by its sustain time: a ceiling does not wait for it. */
enum level decide_level(const struct facts *facts, const struct level_settings *settings)
{
    enum level now = decide_level_now(facts, settings);
    return now > facts->level ? now : facts->level;
}

enum level decide_level_now(const struct facts *facts, const struct level_settings *settings)
{
    const struct pressure *pressure = &facts->pressure;
    if (facts->is_level_forced)
        return facts->level;
    return level_of_pressure(settings, pressure->value, pressure->is_postfix_stressed);
}

/* A list without a reply of its own for this level: from the level on at which bots are hung up
 * on, its clients are. */
static void set_reply_of_list(struct verdict *verdict, const struct facts *facts,
                              const struct admission_settings *admission)
{
    const struct rbl_facts *rbl = &facts->rbl;
    bool is_bot_now = verdict->level >= admission->bot_level;
    verdict->code = is_bot_now && !rbl->is_mapped && rbl->code >= 500 ? 521 : rbl->code;
    verdict->text = rbl->text;
    verdict->is_observed = admission->mode == MODE_OBSERVE || admission->is_observed[RULE_RBL];
    if (verdict->is_observed)
        verdict->action = VERDICT_CONTINUE;
    else if (rbl->is_restriction)
        verdict->action = VERDICT_RESTRICTION;
    else
        verdict->action =
            verdict->code == 421 || verdict->code == 521 ? VERDICT_HANG_UP : VERDICT_REPLY;
}

struct verdict decide(const struct facts *facts, const struct decide_settings *settings)
{
    struct verdict verdict = {
        .action = VERDICT_CONTINUE,
        .rule = RULE_ADMIT,
        .level = decide_level(facts, settings->level),
        .classification = classify(&facts->client, settings->client_class),
    };
    struct context context = {
        .facts = facts,
        .admission = settings->admission,
        .classification = &verdict.classification,
        .class = class_that_counts(facts, &verdict.classification),
        .level = verdict.level,
        .level_now = decide_level_now(facts, settings->level),
        .classes = settings->client_class,
    };
    const struct rule_row *row = rule_table;
    while (!row->applies(&context))
        row++;
    verdict.rule = row->rule;
    if (row->code == CODE_OF_LIST)
        set_reply_of_list(&verdict, facts, settings->admission);
    if (row->code <= 0)
        return verdict;

    verdict.is_by_history_alone = is_by_history(&verdict.classification) &&
                                  !is_above_ceiling_of(&context, CLASS_UNKNOWN) &&
                                  !is_too_much_of_newcomers(&context, CLASS_UNKNOWN);
    verdict.code = hang_up_code(facts, row->code);
    if (facts->is_history_capped && is_by_history(&verdict.classification) &&
        !verdict.classification.is_certain)
        verdict.code = 421; /* only deferred */
    verdict.text =
        verdict.code == 521 ? settings->reply->hang_up_bot : settings->reply->hang_up_later;
    if (row->rule == RULE_CEILING)
        verdict.ceiling = ceiling_now(&context, context.class);
    verdict.is_observed = settings->admission->mode == MODE_OBSERVE ||
                          settings->admission->is_observed[row->rule];
    verdict.action = verdict.is_observed ? VERDICT_CONTINUE : VERDICT_HANG_UP;
    return verdict;
}

bool verdict_is_of_level(const struct verdict *verdict)
{
    return verdict->action == VERDICT_HANG_UP && verdict->level > LEVEL_CALM &&
           verdict->classification.reason != REASON_BLOCKED;
}

const char *stage_name(enum stage stage)
{
    return stage_names[stage];
}

const char *rule_name(enum rule rule)
{
    return rule_table[rule].name;
}

const char *mode_name(enum mode mode)
{
    return mode_names[mode];
}
