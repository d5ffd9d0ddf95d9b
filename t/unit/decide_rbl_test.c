/* Decisions about clients of which DNS lists say something. */
#include "common/decide.h"
#include "t/unit/tap.h"

static struct admission_settings admission = {.mode = MODE_ENFORCE,
                                              .bot_level = LEVEL_ELEVATED};
static struct level_settings levels = {.threshold = {0, 0.60, 0.80, 1.00}};
static struct class_settings classes = {.good_messages = 3,
                                        .good_ratio = 5,
                                        .bot_score = 6,
                                        .bot_ratio = 5,
                                        .suspect_score = 2,
                                        .suspect_ratio = 2,
                                        .hammer_count = 3,
                                        .good_domain_messages = 20,
                                        .good_network_messages = 50,
                                        .weight = {0, 1, 2}};
static struct reply_settings replies = {.hang_up_later = "4.3.2 later",
                                        .hang_up_bot = "5.7.1 bot"};
static const struct decide_settings settings = {&admission, &levels, &classes, &replies};

enum says { LISTED, MAPPED, RESTRICTION, PERMITTED };

static const struct {
    const char *name;
    enum says says;
    float accepted, silent; /* history */
    enum level level;
    int code; /* of the reply to the list */
    enum mode mode;
    struct verdict verdict; /* class, rule, action, code, is_observed */
} cases[] = {
#define VERDICT(cls, rul, act, cod)                                                            \
    {                                                                                          \
        .classification.class = cls, .rule = rul, .action = act, .code = cod,                  \
        .is_observed = false                                                                   \
    }
    {"calm", LISTED, 0, 0, LEVEL_CALM, 554, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_REPLY, 554)},
    {"elevated: hung up on", LISTED, 0, 0, LEVEL_ELEVATED, 554, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_HANG_UP, 521)},
    {"elevated, the map says 554", MAPPED, 0, 0, LEVEL_ELEVATED, 554, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_REPLY, 554)},
    {"elevated, a temporary code stays", LISTED, 0, 0, LEVEL_ELEVATED, 450, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_REPLY, 450)},
    {"stressed, the map says 521", MAPPED, 0, 0, LEVEL_STRESSED, 521, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_HANG_UP, 521)},
    {"calm, the map says 421", MAPPED, 0, 0, LEVEL_CALM, 421, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_HANG_UP, 421)},
    {"good history does not help", LISTED, 90, 0, LEVEL_CALM, 554, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_REPLY, 554)},
    {"left to Postfix", RESTRICTION, 0, 0, LEVEL_STRESSED, 554, MODE_ENFORCE,
     VERDICT(CLASS_BOT, RULE_RBL, VERDICT_RESTRICTION, 554)},
    {"observe",
     MAPPED,
     0,
     0,
     LEVEL_STRESSED,
     521,
     MODE_OBSERVE,
     {.classification.class = CLASS_BOT, .rule = RULE_RBL, .code = 521, .is_observed = true}},
    {"off", MAPPED, 0, 0, LEVEL_STRESSED, 521, MODE_OFF,
     VERDICT(CLASS_BOT, RULE_OFF, VERDICT_CONTINUE, 0)},
    {"allow list: never bot by history", PERMITTED, 0, 20, LEVEL_STRESSED, 0, MODE_ENFORCE,
     VERDICT(CLASS_UNKNOWN, RULE_ADMIT, VERDICT_CONTINUE, 0)},
    {"allow list: good stays good", PERMITTED, 90, 0, LEVEL_STRESSED, 0, MODE_ENFORCE,
     VERDICT(CLASS_GOOD, RULE_ADMIT, VERDICT_CONTINUE, 0)},
    {"allow list: not trusted", PERMITTED, 0, 0, LEVEL_STRESSED, 0, MODE_ENFORCE,
     VERDICT(CLASS_UNKNOWN, RULE_ADMIT, VERDICT_CONTINUE, 0)},
};

static struct facts make_facts(size_t i)
{
    struct facts facts = {.front = FRONT_POLICY, .stage = STAGE_RCPT};
    struct client_facts *client = &facts.client;
    facts.level = cases[i].level;
    client->has_address = true;
    client->now_s = 1000000;
    struct history_fact *history = &client->history[SCOPE_CLIENT];
    history->state = HISTORY_KNOWN;
    history->record = (struct client_record){.first_seen_s = 1000, .last_seen_s = 1000000};
    history->record.counts[EVIDENCE_ACCEPTED] = cases[i].accepted;
    history->record.counts[EVIDENCE_SILENT] = cases[i].silent;
    client->is_rbl_listed = cases[i].says != PERMITTED;
    client->is_rbl_permitted = cases[i].says == PERMITTED;
    if (client->is_rbl_listed)
        facts.rbl = (struct rbl_facts){.check = "zen.example",
                                       .code = cases[i].code,
                                       .text = "5.7.1 listed",
                                       .is_mapped = cases[i].says != LISTED,
                                       .is_restriction = cases[i].says == RESTRICTION};
    return facts;
}

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct verdict *expected = &cases[i].verdict;
        struct facts facts = make_facts(i);
        admission.mode = cases[i].mode;
        admission.ceiling[CLASS_UNKNOWN] = 1;
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.classification.class == expected->classification.class &&
               verdict.rule == expected->rule && verdict.action == expected->action &&
               verdict.code == expected->code && verdict.is_observed == expected->is_observed,
           "%s", cases[i].name);
        ok(verdict.code == 0 || strcmp(verdict.text, "5.7.1 listed") == 0, "... its text");
    }
    struct facts trusted = make_facts(0);
    trusted.client.is_allowed = true;
    admission.mode = MODE_ENFORCE;
    ok(decide(&trusted, &settings).rule == RULE_TRUSTED, "trusted clients come first");
    return done_testing();
}
