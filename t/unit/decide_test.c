#include "common/decide.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct admission_settings admission = {
    .mode = MODE_ENFORCE,
    .ceiling = {[CLASS_BOT] = 0.80,
                [CLASS_SUSPECT] = 0.50,
                [CLASS_UNKNOWN] = 0.80,
                [CLASS_RETURNING] = 0.95,
                [CLASS_GOOD] = 1.00,
                [CLASS_TRUSTED] = 2.00},
    .ceiling_suspect_elevated = 0.70,
    .bot_level = LEVEL_ELEVATED,
    .newcomers = {.bad_share = 0.5, .slots_share = 0.1},
};
static struct level_settings levels = {.threshold = {0, 0.60, 0.80, 1.00}, .sustain_ms = 200};
static struct class_settings classes = {.good_messages = 3,
                                        .good_age_s = 3600,
                                        .good_ratio = 5,
                                        .good_domain_messages = 20,
                                        .good_network_messages = 50,
                                        .suspect_score = 2,
                                        .suspect_ratio = 1,
                                        .bad_network_clients = 3,
                                        .return_min_s = 20,
                                        .return_max_s = 21600,
                                        .hammer_count = 3,
                                        .shared_memory_s = 86400,
                                        .bot_score = 6,
                                        .bot_ratio = 5,
                                        .weight = {0, 1, 2, 0.2}};
static struct reply_settings replies = {.hang_up_later = "4.3.2 later",
                                        .hang_up_bot = "5.7.1 bot"};
static const struct decide_settings settings = {&admission, &levels, &classes, &replies};

#define NOW 1000000
#define HISTORY(hung_up_at_s, ...)                                                             \
    {                                                                                          \
        {                                                                                      \
            HISTORY_KNOWN,                                                                     \
            {                                                                                  \
                NOW - 100000, NOW, hung_up_at_s, {__VA_ARGS__}, 0                              \
            }                                                                                  \
        }                                                                                      \
    }

/* Clients of each class; counts: accepted, unknown recipients, silent, dropped. */
static const struct {
    const char *name;
    struct client_facts facts;
} clients[] = {
    {"trusted", {.has_address = true, .is_in_trusted_networks = true, .now_s = NOW}},
    {"good", {.has_address = true, .history = HISTORY(0, 9), .now_s = NOW}},
    {"unknown", {.has_address = true, .history = {{.state = HISTORY_NONE}}, .now_s = NOW}},
    {"returning", {.has_address = true, .history = HISTORY(NOW - 60, 0), .now_s = NOW}},
    {"suspect", {.has_address = true, .history = HISTORY(0, 0, 0, 1), .now_s = NOW}},
    {"bot", {.has_address = true, .history = HISTORY(0, 0, 8), .now_s = NOW}},
    {"bad mailer", {.has_address = true, .history = HISTORY(0, 2, 30), .now_s = NOW}},
    {"silent", {.has_address = true, .history = HISTORY(0, 0, 0, 3), .now_s = NOW}},
    {"once heard", {.has_address = true, .history = HISTORY(0, 1, 0, 3), .now_s = NOW}},
};

static const struct {
    const char *client;
    int busy; /* of 20; -1: not known */
    int waiting;
    bool is_postfix_stressed, is_admitted;
    enum level level;
    enum front front;
    enum stage stage;
    enum rule rule;
    int code;
} cases[] = {
    /* everybody is in while it is calm, bots too: nothing is at stake */
    {"unknown", 5, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT, 0},
    {"bot", 5, 0, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_RCPT, RULE_ADMIT, 0},
    /* ceilings: up to and including, above is out; the moment counts, not the published level
     */
    {"unknown", 16, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT, 0},
    {"unknown", 17, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421},
    {"unknown", 17, 0, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_CEILING,
     421},
    {"unknown", 17, 0, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_RCPT, RULE_CEILING, 421},
    {"unknown", 10, 0, false, false, LEVEL_STRESSED, FRONT_POLICY, STAGE_RCPT, RULE_ADMIT, 0},
    /* the last slot is for good senders, clients waiting or not */
    {"returning", 19, 0, false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,
     0},
    {"returning", 20, 0, false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT,
     RULE_CEILING, 421},
    {"suspect", 11, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT, 0},
    {"suspect", 14, 0, false, false, LEVEL_ELEVATED, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,
     0},
    {"suspect", 15, 0, false, false, LEVEL_ELEVATED, FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421},
    {"suspect", 10, 0, false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,
     0},
    {"suspect", 11, 0, false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421},
    {"good", 20, 0, false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT, 0},
    {"good", 20, 50, true, false, LEVEL_CRITICAL, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT, 0},
    {"good", 21, 0, false, false, LEVEL_CRITICAL, FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421},
    {"trusted", 30, 99, true, false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_CONNECT, RULE_TRUSTED,
     0},
    /* an admitted session is not thrown out by a ceiling, but a bot is once it is known */
    {"unknown", 20, 9, true, true, LEVEL_CRITICAL, FRONT_POLICY, STAGE_RCPT,
     RULE_ADMITTED_BEFORE, 0},
    {"bot", 20, 9, true, true, LEVEL_CRITICAL, FRONT_MILTER, STAGE_MAIL, RULE_BOT, 521},
    /* a milter's 521 before MAIL would keep the session open */
    {"bot", 13, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_CONNECT, RULE_BOT, 421},
    {"bot", 13, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_HELO, RULE_BOT, 421},
    {"bot", 13, 0, false, false, LEVEL_CALM, FRONT_MILTER, STAGE_MAIL, RULE_BOT, 521},
    {"bot", 13, 0, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_BOT, 521},
    /* Postfix's own stress counts as stressed, but does not fill slots */
    {"bot", 1, 0, true, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_BOT, 521},
    {"unknown", 1, 0, true, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT, 0},
    /* clients waiting raise the level, and the share of slots decides */
    {"bot", 11, 5, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_BOT, 521},
    {"unknown", 11, 30, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT, 0},
    /* nothing measured: nobody is held back by a ceiling */
    {"unknown", -1, 0, true, false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT, 0},
    {"bot", -1, 0, false, false, LEVEL_CALM, FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT, 0},
    /* VRFY and ETRN are none of our business */
    {"bot", 20, 9, true, false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_OTHER, RULE_OFF, 0},
};

static const struct client_facts *client_facts(const char *name)
{
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
        if (strcmp(clients[i].name, name) == 0)
            return &clients[i].facts;
    abort();
}

static struct facts case_facts(size_t i)
{
    struct facts facts = {.front = cases[i].front,
                          .stage = cases[i].stage,
                          .is_session_admitted = cases[i].is_admitted,
                          .client = *client_facts(cases[i].client),
                          .level = cases[i].level};
    facts.pressure.is_postfix_stressed = cases[i].is_postfix_stressed;
    if (cases[i].busy >= 0) {
        facts.pressure.is_known = true;
        facts.pressure.slots = cases[i].busy / 20.0;
        facts.pressure.value = (cases[i].busy + cases[i].waiting) / 20.0;
    }
    return facts;
}

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct facts facts = case_facts(i);
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.rule == cases[i].rule && verdict.code == cases[i].code &&
               (verdict.action == VERDICT_HANG_UP) == (cases[i].code != 0),
           "row %zu: %s, %d busy, %d waiting, %s: %s %d", i, cases[i].client, cases[i].busy,
           cases[i].waiting, stage_name(cases[i].stage), rule_name(verdict.rule), verdict.code);
        if (verdict.code)
            is_string(verdict.text, verdict.code == 421 ? "4.3.2 later" : "5.7.1 bot", "text");
    }
}

/* In observe mode nobody is hung up on and every verdict says what it would have been. */
static void test_modes(void)
{
    bool is_silent = true, is_same = true, is_off = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct facts facts = case_facts(i);
        admission.mode = MODE_OBSERVE;
        struct verdict observed = decide(&facts, &settings);
        is_silent &= observed.action == VERDICT_CONTINUE;
        is_same &=
            observed.is_observed == (cases[i].code != 0) && observed.code == cases[i].code;
        admission.mode = MODE_OFF;
        struct verdict off = decide(&facts, &settings);
        is_off &= off.action == VERDICT_CONTINUE && off.code == 0 && !off.is_observed;
        admission.mode = MODE_ENFORCE;
    }
    ok(is_silent, "observe mode never hangs up");
    ok(is_same, "observe mode says what it would have done");
    ok(is_off, "mode off does nothing");
}

/* What an administrator forced comes before what is measured. */
static void test_forced(void)
{
    struct facts facts = {.front = FRONT_MILTER,
                          .stage = STAGE_CONNECT,
                          .client = clients[2].facts,
                          .pressure = {.is_known = true, .slots = 1, .value = 2},
                          .level = LEVEL_CALM};
    ok(decide(&facts, &settings).code == 421, "measured: an unknown client is hung up on");
    facts.is_level_forced = true;
    struct verdict verdict = decide(&facts, &settings);
    ok(verdict.rule == RULE_ADMIT && verdict.level == LEVEL_CALM, "calm is forced: it is in");
    facts.pressure.slots = facts.pressure.value = 0.9;
    facts.level = LEVEL_CRITICAL;
    ok(decide(&facts, &settings).level == LEVEL_CRITICAL, "critical is forced");
    ok(decide(&facts, &settings).rule == RULE_CEILING, "... and ceilings count");
    facts.is_switched_off = true;
    ok(decide(&facts, &settings).rule == RULE_OFF, "the kill switch comes before all");
}

/* Whoever sets two ceilings need not set all. */
static void test_ceilings(void)
{
    struct admission_settings other = admission;
    other.ceiling[CLASS_GOOD] = 0.9;
    is_number(admission_ceiling(&other, CLASS_RETURNING, LEVEL_STRESSED), 0.9,
              "returning is not above good");
    other.ceiling[CLASS_RETURNING] = 0.3;
    is_number(admission_ceiling(&other, CLASS_RETURNING, LEVEL_STRESSED), 0.8,
              "... nor below unknown");
    other.ceiling[CLASS_UNKNOWN] = 0.4;
    is_number(admission_ceiling(&other, CLASS_SUSPECT, LEVEL_STRESSED), 0.4,
              "suspect is not above unknown");
    is_number(admission_ceiling(&other, CLASS_SUSPECT, LEVEL_ELEVATED), 0.4,
              "... while elevated either");
}

/* One rule may be watched while the others are enforced. */
static void test_observed_rule(void)
{
    bool is_right = true;
    admission.is_observed[RULE_BOT] = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct facts facts = case_facts(i);
        struct verdict verdict = decide(&facts, &settings);
        is_right &= verdict.is_observed == (cases[i].rule == RULE_BOT) &&
                    (verdict.action == VERDICT_HANG_UP) ==
                        (cases[i].code != 0 && cases[i].rule != RULE_BOT);
    }
    admission.is_observed[RULE_BOT] = false;
    ok(is_right, "the rule for bots is watched, the ceilings are enforced");
}

static const struct {
    const char *client;
    int busy; /* of 20 */
    bool is_capped;
    enum rule rule;
    int code;
    bool is_by_history_alone;
} cap_cases[] = {
    {"bot", 13, false, RULE_BOT, 521, true},
    {"bot", 18, false, RULE_BOT, 521, false}, /* an unknown one was out as well */
    {"suspect", 15, false, RULE_CEILING, 421, true},
    {"suspect", 18, false, RULE_CEILING, 421, false},
    {"unknown", 18, false, RULE_CEILING, 421, false},
    {"unknown", 13, false, RULE_ADMIT, 0, false},
    {"bad mailer", 13, false, RULE_BOT, 521, true},
    /* capped: only deferred, and who sent mail before is measured like an unknown one */
    {"bot", 13, true, RULE_BOT, 421, true},
    {"suspect", 15, true, RULE_CEILING, 421, true},
    {"bad mailer", 13, true, RULE_ADMIT, 0, false},
    {"once heard", 13, true, RULE_ADMIT, 0, false},
    /* ... but for those whose own silence leaves no doubt */
    {"silent", 13, true, RULE_BOT, 521, true},
    {"bad mailer", 18, true, RULE_CEILING, 421, false},
    {"unknown", 13, true, RULE_ADMIT, 0, false},
    {"good", 20, true, RULE_ADMIT, 0, false},
};

static void test_history_cap(void)
{
    for (size_t i = 0; i < sizeof(cap_cases) / sizeof(cap_cases[0]); i++) {
        struct facts facts = {.front = FRONT_POLICY,
                              .stage = STAGE_RCPT,
                              .client = *client_facts(cap_cases[i].client),
                              .is_history_capped = cap_cases[i].is_capped};
        facts.pressure = (struct pressure){.is_known = true,
                                           .slots = cap_cases[i].busy / 20.0,
                                           .value = cap_cases[i].busy / 20.0};
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.rule == cap_cases[i].rule && verdict.code == cap_cases[i].code &&
               verdict.is_by_history_alone == cap_cases[i].is_by_history_alone,
           "%s, %d busy%s: %s %d%s", cap_cases[i].client, cap_cases[i].busy,
           cap_cases[i].is_capped ? ", capped" : "", rule_name(verdict.rule), verdict.code,
           verdict.is_by_history_alone ? ", by history alone" : "");
    }
    /* What an RBL said is not history alone. */
    struct facts facts = {.client = *client_facts("bot"), .level = LEVEL_STRESSED};
    facts.client.history[SCOPE_CLIENT].record.counts[EVIDENCE_RBL] = 1;
    facts.is_history_capped = true;
    ok(!decide(&facts, &settings).is_by_history_alone, "an RBL listed it, too");
    is_number(decide(&facts, &settings).code, 521, "... so the cap does not count");
}

/* Who comes back too soon, at a pressure (which clients that were turned away are part of). */
static void test_hammering(void)
{
#define SOON(away_s, ...) HISTORY(NOW - (away_s), __VA_ARGS__)
#define ROW(...)                                                                               \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
    static const struct {
        const char *name;
        struct history_fact history[SCOPE_COUNT];
        double pressure;
        enum rule rule;
    } rows[] = {
        ROW("back after 10 s", SOON(10, 0), 0.8, RULE_HAMMERING),
        ROW("... without stress", SOON(10, 0), 0.7, RULE_ADMIT),
        ROW("back after a minute", SOON(60, 0), 0.8, RULE_ADMIT),
        ROW("several at once", SOON(1, 0), 0.8, RULE_ADMIT),
        ROW("several at once, of a suspect", SOON(1, 0, 0, 1), 0.8, RULE_HAMMERING),
        ROW("a suspect after a minute", SOON(60, 0, 0, 1), 0.8, RULE_ADMIT),
        ROW("a good one", SOON(10, 9), 0.8, RULE_ADMIT),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct facts facts = {
            .front = FRONT_MILTER,
            .pressure = {.is_known = true, .slots = 0.3, .value = rows[i].pressure},
            .client = {.has_address = true, .now_s = NOW}};
        facts.client.history[SCOPE_CLIENT] = rows[i].history[SCOPE_CLIENT];
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.rule == rows[i].rule &&
               verdict.code == (rows[i].rule == RULE_ADMIT ? 0 : 421),
           "%s: %s %d", rows[i].name, rule_name(verdict.rule), verdict.code);
        facts.is_session_admitted = true;
        ok(decide(&facts, &settings).action == VERDICT_CONTINUE,
           "... never once it was admitted");
        facts.is_session_admitted = false;
        facts.client.is_shared = true;
        ok(decide(&facts, &settings).rule == RULE_ADMIT, "... another one behind the address");
    }
#undef ROW
}

/* 20 slots, of which newcomers on trial may have 2. */
static void test_newcomers(void)
{
    static const struct {
        const char *client;
        bool are_on_trial;
        int busy; /* slots of newcomers */
        double pressure;
        enum rule rule;
    } rows[] = {
        {"unknown", true, 2, 0.9, RULE_ADMIT},
        {"unknown", true, 3, 0.9, RULE_NEWCOMER},
        {"unknown", false, 20, 0.9, RULE_ADMIT},
        {"unknown", true, 3, 0.7, RULE_ADMIT}, /* no stress any more, whatever is held */
        {"suspect", true, 1, 0.9, RULE_NEWCOMER},
        {"suspect", false, 1, 0.9, RULE_ADMIT},
        {"returning", true, 9, 0.9, RULE_ADMIT},
        {"good", true, 9, 0.9, RULE_ADMIT},
        {"bot", true, 9, 0.9, RULE_BOT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct facts facts = {.front = FRONT_MILTER,
                              .client = *client_facts(rows[i].client),
                              .newcomers = {rows[i].are_on_trial, rows[i].busy, 0},
                              .pressure = {.is_known = true,
                                           .slots = 0.4,
                                           .value = rows[i].pressure,
                                           .slot_limit = 20},
                              .level = LEVEL_STRESSED};
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.rule == rows[i].rule, "%s, %s, %d slots: %s", rows[i].client,
           rows[i].are_on_trial ? "on trial" : "no trial", rows[i].busy,
           rule_name(verdict.rule));
        if (verdict.rule == RULE_NEWCOMER)
            is_number(verdict.code, 421, "... may come back");
        ok(!verdict.is_by_history_alone || rows[i].busy <= 2,
           "... and history is not to blame where a stranger fared no better");
        facts.client.is_shared = true;
        ok(rows[i].rule != RULE_NEWCOMER || decide(&facts, &settings).rule == RULE_ADMIT,
           "... an address that many share is no newcomer");
    }
}

/* 20 slots: unknown clients may have 16, and more while they deliver, up to 19. */
static void test_burst(void)
{
    static const struct {
        const char *client;
        int busy, delivering;
        bool are_on_trial;
        enum rule rule;
    } rows[] = {
        {"unknown", 17, 2, false, RULE_CEILING},  {"unknown", 17, 3, false, RULE_ADMIT},
        {"unknown", 18, 3, false, RULE_CEILING},  {"unknown", 19, 99, false, RULE_ADMIT},
        {"unknown", 20, 99, false, RULE_CEILING}, {"unknown", 17, 99, true, RULE_CEILING},
        {"suspect", 17, 99, false, RULE_CEILING}, {"returning", 20, 99, false, RULE_CEILING},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct facts facts = {.front = FRONT_MILTER,
                              .client = *client_facts(rows[i].client),
                              .newcomers = {rows[i].are_on_trial, 1, rows[i].delivering},
                              .pressure = {.is_known = true,
                                           .slots = rows[i].busy / 20.0,
                                           .value = rows[i].busy / 20.0,
                                           .slot_limit = 20}};
        ok(decide(&facts, &settings).rule == rows[i].rule, "%s, %d busy, %d deliver: %s",
           rows[i].client, rows[i].busy, rows[i].delivering,
           rule_name(decide(&facts, &settings).rule));
    }
}

/* What the session itself shows. */
static void test_session(void)
{
    static const struct {
        const char *name, *client;
        double score;
        int messages;
        enum level level;
        enum rule rule;
    } rows[] = {
        {"guesses", "unknown", 6, 0, LEVEL_ELEVATED, RULE_SESSION},
        {"... not often", "unknown", 5, 0, LEVEL_ELEVATED, RULE_ADMITTED_BEFORE},
        {"... in calm", "unknown", 9, 0, LEVEL_CALM, RULE_ADMITTED_BEFORE},
        {"... and sends mail", "unknown", 6, 2, LEVEL_CRITICAL, RULE_ADMITTED_BEFORE},
        {"... more than it guesses", "returning", 9, 1, LEVEL_CRITICAL, RULE_SESSION},
        {"one that is good", "good", 9, 0, LEVEL_CRITICAL, RULE_ADMITTED_BEFORE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct facts facts = {.front = FRONT_MILTER,
                              .stage = STAGE_RCPT,
                              .is_session_admitted = true,
                              .session_score = rows[i].score,
                              .session_messages = rows[i].messages,
                              .client = *client_facts(rows[i].client),
                              .level = rows[i].level};
        struct verdict verdict = decide(&facts, &settings);
        ok(verdict.rule == rows[i].rule &&
               (verdict.code == 421) == (rows[i].rule == RULE_SESSION),
           "%s: %s %d", rows[i].name, rule_name(verdict.rule), verdict.code);
        facts.client.is_shared = true;
        ok(decide(&facts, &settings).rule == RULE_ADMITTED_BEFORE, "... one of many behind it");
    }
}

/* What holds a level: hang-ups that the level is the reason of. */
static void test_of_level(void)
{
    struct facts facts = {.front = FRONT_POLICY, .client = *client_facts("bot")};
    struct verdict verdict = decide(&facts, &settings);
    ok(!verdict_is_of_level(&verdict), "in calm nobody is hung up on");
    facts.level = LEVEL_ELEVATED;
    verdict = decide(&facts, &settings);
    ok(verdict.code == 521 && verdict_is_of_level(&verdict), "a bot while elevated");
    facts.client.is_blocked = true;
    verdict = decide(&facts, &settings);
    ok(verdict.code == 521 && !verdict_is_of_level(&verdict), "blocked: at any level");
}

int main(void)
{
    test_ceilings();
    test_observed_rule();
    test_history_cap();
    test_hammering();
    test_newcomers();
    test_burst();
    test_session();
    test_of_level();
    test_cases();
    test_modes();
    test_forced();
    return done_testing();
}
