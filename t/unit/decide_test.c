#include "common/decide.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct admission_settings admission = {
    .mode = MODE_ENFORCE,
    .ceiling = {[CLASS_UNKNOWN] = 0.80, [CLASS_GOOD] = 1.00, [CLASS_TRUSTED] = 2.00},
    .bot_level = LEVEL_ELEVATED,
};
static struct level_settings levels = {
    .threshold = {0, 0.60, 0.80, 1.00},
      .sustain_ms = 200
};
static struct class_settings classes = {
    .good_messages = 3,
    .good_age_s = 3600,
    .good_ratio = 5,
    .bot_score = 6,
    .bot_ratio = 5,
    .weight = {0, 1, 2, 0.2}
};
static struct reply_settings replies = {"4.3.2 later", "5.7.1 bot"};
static const struct decide_settings settings = {&admission, &levels, &classes, &replies};

/* Clients of each class; counts: accepted, unknown recipients, silent, dropped. */
static const struct {
    const char *name;
    struct client_facts facts;
} clients[] = {
    {"trusted", {.has_address = true, .is_in_trusted_networks = true, .now_s = 1000000}},
    {"good",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {.first_seen_s = 900000, .last_seen_s = 1000000, .counts = {9, 0, 0, 0}},
      .now_s = 1000000}                                                                },
    {"unknown", {.has_address = true, .history = HISTORY_NONE, .now_s = 1000000}       },
    {"bot",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {.first_seen_s = 900000, .last_seen_s = 1000000, .counts = {0, 8, 0, 0}},
      .now_s = 1000000}                                                                },
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
    {"unknown", 5,  0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,   0  },
    {"bot",     5,  0,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_RCPT,    RULE_ADMIT,   0  },
 /* ceilings: up to and including, above is out; the moment counts, not the published level
  */
    {"unknown", 16, 0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,   0  },
    {"unknown", 17, 0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421                                                                                            },
    {"unknown", 17, 0,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_CEILING,
     421                                                                                            },
    {"unknown", 17, 0,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_RCPT,    RULE_CEILING, 421},
    {"unknown", 10, 0,  false, false, LEVEL_STRESSED, FRONT_POLICY, STAGE_RCPT,    RULE_ADMIT,   0  },
 /* the last slot is for good senders, clients waiting or not */
    {"good",    20, 0,  false, false, LEVEL_STRESSED, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,   0  },
    {"good",    20, 50, true,  false, LEVEL_CRITICAL, FRONT_MILTER, STAGE_CONNECT, RULE_ADMIT,   0  },
    {"good",    21, 0,  false, false, LEVEL_CRITICAL, FRONT_MILTER, STAGE_CONNECT, RULE_CEILING,
     421                                                                                            },
    {"trusted", 30, 99, true,  false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_CONNECT, RULE_TRUSTED,
     0                                                                                              },
 /* an admitted session is not thrown out by a ceiling, but a bot is once it is known */
    {"unknown", 20, 9,  true,  true,  LEVEL_CRITICAL, FRONT_POLICY, STAGE_RCPT,
     RULE_ADMITTED_BEFORE,                                                                       0  },
    {"bot",     20, 9,  true,  true,  LEVEL_CRITICAL, FRONT_MILTER, STAGE_MAIL,    RULE_BOT,     521},
 /* a milter's 521 before MAIL would keep the session open */
    {"bot",     13, 0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_CONNECT, RULE_BOT,     421},
    {"bot",     13, 0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_HELO,    RULE_BOT,     421},
    {"bot",     13, 0,  false, false, LEVEL_CALM,     FRONT_MILTER, STAGE_MAIL,    RULE_BOT,     521},
    {"bot",     13, 0,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_BOT,     521},
 /* Postfix's own stress counts as stressed, but does not fill slots */
    {"bot",     1,  0,  true,  false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_BOT,     521},
    {"unknown", 1,  0,  true,  false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT,   0  },
 /* clients waiting raise the level, and the share of slots decides */
    {"bot",     11, 5,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_BOT,     521},
    {"unknown", 11, 30, false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT,   0  },
 /* nothing measured: nobody is held back by a ceiling */
    {"unknown", -1, 0,  true,  false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT,   0  },
    {"bot",     -1, 0,  false, false, LEVEL_CALM,     FRONT_POLICY, STAGE_CONNECT, RULE_ADMIT,   0  },
 /* VRFY and ETRN are none of our business */
    {"bot",     20, 9,  true,  false, LEVEL_CRITICAL, FRONT_POLICY, STAGE_OTHER,   RULE_OFF,     0  },
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
    struct facts facts = {
        .front = FRONT_MILTER,
        .stage = STAGE_CONNECT,
        .client = clients[2].facts,
        .pressure = {.is_known = true, .slots = 1, .value = 2},
        .level = LEVEL_CALM
    };
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

int main(void)
{
    test_cases();
    test_modes();
    test_forced();
    return done_testing();
}
