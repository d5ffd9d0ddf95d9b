#include "common/verify_decide.h"

#include "common/verify_reply.h"
#include "common/verify_settings.h"
#include "t/unit/tap.h"

#define NOW  1700000000LL
#define HOUR 3600LL
#define DAY  86400LL

/* A call instead of braces: clang-format would line the members up in columns. */
#define ROW(...)                                                                               \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }

#define UNKNOWN RECIPIENT_UNKNOWN
#define GOOD    RECIPIENT_DELIVERABLE
#define BAD     RECIPIENT_UNDELIVERABLE
#define LATER   RECIPIENT_DEFERRED

enum flag {
    OTHER_DOMAIN = 1,
    NULL_SENDER = 2,
    ROLE = 4,
    OFF = 8,
    NO_ANSWER = 16,
    NO_PROBE = 32,
};

static const struct {
    enum recipient_status status;
    int64_t age_s;
    enum level level;
    enum client_class class;
    int64_t guesses;
    unsigned flags;
    enum verify_answer answer;
    const char *rule;
} rows[] = {
    ROW(GOOD, DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_DUNNO, "deliverable"),
    ROW(GOOD, DAY, LEVEL_CRITICAL, CLASS_BOT, 0, 0, VERIFY_DUNNO, "deliverable"),
    ROW(GOOD, 8 * DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "refresh"),
    ROW(GOOD, 8 * DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, NO_PROBE, VERIFY_ASK_POSTFIX, "refresh"),
    ROW(GOOD, 8 * DAY, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_DUNNO, "deliverable"),
    ROW(GOOD, 31 * DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(GOOD, 31 * DAY, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_ANSWER_DEFER, "stressed"),
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_GOOD, 0, 0, VERIFY_REJECT, "undeliverable"),
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_TRUSTED, 0, 0, VERIFY_REJECT, "undeliverable"),
    ROW(BAD, HOUR, LEVEL_CRITICAL, CLASS_UNKNOWN, 0, 0, VERIFY_REJECT, "undeliverable"),
    ROW(BAD, 3 * HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "refresh"),
    ROW(BAD, 3 * HOUR, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_REJECT, "undeliverable"),
    ROW(BAD, 3 * DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(UNKNOWN, 0, LEVEL_ELEVATED, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(UNKNOWN, 0, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_ANSWER_DEFER, "stressed"),
    ROW(UNKNOWN, 0, LEVEL_STRESSED, CLASS_GOOD, 0, 0, VERIFY_ANSWER_DEFER, "stressed"),
    ROW(UNKNOWN, 0, LEVEL_STRESSED, CLASS_TRUSTED, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(LATER, 60, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX, "probe"),
    ROW(LATER, 60, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_ANSWER_DEFER, "stressed"),
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_UNKNOWN, 0, NO_PROBE, VERIFY_ANSWER_DEFER, "budget"),
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_RETURNING, 0, NO_PROBE, VERIFY_ANSWER_DEFER, "budget"),
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_GOOD, 0, NO_PROBE, VERIFY_ASK_POSTFIX, "probe"),
    ROW(RECIPIENT_FORGOTTEN, HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_DUNNO, "forgotten"),
    ROW(RECIPIENT_FORGOTTEN, HOUR, LEVEL_CRITICAL, CLASS_BOT, 0, 0, VERIFY_DUNNO, "forgotten"),
    ROW(RECIPIENT_FORGOTTEN, 3 * DAY, LEVEL_CALM, CLASS_UNKNOWN, 0, 0, VERIFY_ASK_POSTFIX,
        "probe"),
    /* Neither memory nor Redis. */
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_UNKNOWN, 0, NO_ANSWER, VERIFY_ASK_POSTFIX, "no-answer"),
    ROW(UNKNOWN, 0, LEVEL_STRESSED, CLASS_UNKNOWN, 0, NO_ANSWER | NO_PROBE, VERIFY_ASK_POSTFIX,
        "no-answer"),
    /* Never rejected by us. */
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, NULL_SENDER, VERIFY_DUNNO, "exempt"),
    ROW(UNKNOWN, 0, LEVEL_CRITICAL, CLASS_BOT, 100, NULL_SENDER, VERIFY_DUNNO, "exempt"),
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, ROLE, VERIFY_DUNNO, "exempt"),
    ROW(UNKNOWN, 0, LEVEL_CRITICAL, CLASS_BOT, 100, ROLE, VERIFY_DUNNO, "exempt"),
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, OTHER_DOMAIN, VERIFY_DUNNO, "other-domain"),
    ROW(BAD, HOUR, LEVEL_STRESSED, CLASS_BOT, 9, OTHER_DOMAIN, VERIFY_DUNNO, "other-domain"),
    ROW(BAD, HOUR, LEVEL_CALM, CLASS_UNKNOWN, 0, OFF, VERIFY_ASK_POSTFIX, "off"),
    ROW(UNKNOWN, 0, LEVEL_STRESSED, CLASS_BOT, 9, OFF, VERIFY_ASK_POSTFIX, "off"),
    ROW(UNKNOWN, 0, LEVEL_CALM, CLASS_UNKNOWN, 0, OFF | ROLE, VERIFY_DUNNO, "exempt"),
    /* Who guesses. */
    ROW(GOOD, DAY, LEVEL_CALM, CLASS_UNKNOWN, 19, 0, VERIFY_DUNNO, "deliverable"),
    ROW(GOOD, DAY, LEVEL_CALM, CLASS_UNKNOWN, 20, 0, VERIFY_HANG_UP, "guesser"),
    ROW(GOOD, DAY, LEVEL_ELEVATED, CLASS_UNKNOWN, 5, 0, VERIFY_HANG_UP, "guesser"),
    ROW(GOOD, DAY, LEVEL_STRESSED, CLASS_UNKNOWN, 0, 0, VERIFY_DUNNO, "deliverable"),
    ROW(BAD, HOUR, LEVEL_STRESSED, CLASS_UNKNOWN, 1, 0, VERIFY_HANG_UP, "guesser"),
    ROW(BAD, HOUR, LEVEL_CRITICAL, CLASS_RETURNING, 1, 0, VERIFY_HANG_UP, "guesser"),
    ROW(BAD, HOUR, LEVEL_CRITICAL, CLASS_GOOD, 100, 0, VERIFY_REJECT, "undeliverable"),
};

static void test_rules(const struct verify_settings *settings)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned flags = rows[i].flags;
        struct verify_facts facts = {
            .is_off = flags & OFF,
            .level = rows[i].level,
            .class = rows[i].class,
            .is_null_sender = flags & NULL_SENDER,
            .is_role = flags & ROLE,
            .is_probe_left = !(flags & NO_PROBE),
            .guesses = rows[i].guesses,
            .now_s = NOW,
            .addresses[ADDRESS_RECIPIENT] = {.is_verified = !(flags & OTHER_DOMAIN),
                                             .is_known = !(flags & NO_ANSWER),
                                             .record = {.status = rows[i].status,
                                                        .updated_s = NOW - rows[i].age_s}},
        };
        struct verify_verdict verdict = verify_decide(&facts, settings);
        ok(verdict.answer == rows[i].answer, "row %zu: answer %d", i, verdict.answer);
        is_string(verify_rule_name(verdict.rule), rows[i].rule, "its rule");
    }
}

static struct verify_facts facts_of(enum recipient_status recipient,
                                    enum recipient_status sender, enum level level)
{
    return (struct verify_facts){
        .level = level,
        .class = CLASS_UNKNOWN,
        .is_probe_left = true,
        .now_s = NOW,
        .addresses = {{true, true, {.status = recipient, .updated_s = NOW}},
                      {true, true, {.status = sender, .updated_s = NOW}}},
    };
}

static void test_senders(const struct verify_settings *settings)
{
    static const struct {
        enum recipient_status recipient, sender;
        enum level level;
        enum verify_answer answer;
        const char *text;
    } pairs[] = {
        ROW(GOOD, GOOD, LEVEL_CALM, VERIFY_DUNNO, ""),
        ROW(GOOD, BAD, LEVEL_CALM, VERIFY_REJECT,
            "5.1.7 sender: undeliverable address [remembered]"),
        ROW(BAD, GOOD, LEVEL_CALM, VERIFY_REJECT, "5.1.1 undeliverable address [remembered]"),
        ROW(BAD, UNKNOWN, LEVEL_CALM, VERIFY_REJECT,
            "5.1.1 undeliverable address [remembered]"),
        ROW(GOOD, UNKNOWN, LEVEL_CALM, VERIFY_ASK_POSTFIX, "reject_unverified_sender"),
        ROW(UNKNOWN, GOOD, LEVEL_CALM, VERIFY_ASK_POSTFIX, "reject_unverified_recipient"),
        ROW(UNKNOWN, UNKNOWN, LEVEL_CALM, VERIFY_ASK_POSTFIX,
            "reject_unverified_sender, reject_unverified_recipient"),
        ROW(GOOD, UNKNOWN, LEVEL_STRESSED, VERIFY_ANSWER_DEFER,
            "DEFER_IF_PERMIT 4.1.7 sender: unverified address, please try again in a few "
            "minutes [not probed]"),
        ROW(UNKNOWN, GOOD, LEVEL_STRESSED, VERIFY_ANSWER_DEFER,
            "DEFER_IF_PERMIT 4.1.1 unverified address, please try again in a few minutes [not "
            "probed]"),
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[VERIFY_REPLY_SIZE] = "";
        struct verdict verdict = {.action = VERDICT_CONTINUE};
        struct verify_facts facts =
            facts_of(pairs[i].recipient, pairs[i].sender, pairs[i].level);
        struct verify_verdict verify = verify_decide(&facts, settings);
        verify_reply_format(&verify, &facts, settings, text, &verdict);
        ok(verify.answer == pairs[i].answer, "pair %zu: answer %d", i, verify.answer);
        is_string(verdict.text, pairs[i].text, "its text");
    }
    struct verify_facts facts = facts_of(GOOD, BAD, LEVEL_CALM);
    facts.is_role = true;
    ok(verify_decide(&facts, settings).answer == VERIFY_DUNNO,
       "postmaster can be written to from any address");
}

static void test_replies(struct verify_settings settings)
{
    char text[VERIFY_REPLY_SIZE];
    struct verdict verdict = {.action = VERDICT_CONTINUE};
    struct verify_facts facts = facts_of(BAD, GOOD, LEVEL_CALM);
    slice_copy_string(SLICE_LITERAL("host mx.example said: 550 5.1.1 no such user"),
                      facts.addresses[ADDRESS_RECIPIENT].record.text, RECIPIENT_TEXT_SIZE);
    struct verify_verdict verify = verify_decide(&facts, &settings);
    verify_reply_format(&verify, &facts, &settings, text, &verdict);
    ok(verdict.action == VERDICT_REPLY && verdict.code == 550, "550");
    is_string(verdict.text,
              "5.1.1 undeliverable address [remembered]: host mx.example said: 550 5.1.1 no "
              "such user",
              "the remembered reason");
    settings.reject_code = 250;
    ok(verify_decide(&facts, &settings).answer == VERIFY_DUNNO, "250 accepts it");

    facts = facts_of(UNKNOWN, GOOD, LEVEL_STRESSED);
    settings.tempfail = VERIFY_DEFER;
    verify = verify_decide(&facts, &settings);
    verify_reply_format(&verify, &facts, &settings, text, &verdict);
    ok(verdict.action == VERDICT_REPLY && verdict.code == 450 &&
           strncmp(verdict.text, "4.1.1 ", 6) == 0,
       "450 at once");
    facts.guesses = 1;
    verify = verify_decide(&facts, &settings);
    verify_reply_format(&verify, &facts, &settings, text, &verdict);
    ok(verdict.action == VERDICT_HANG_UP && verdict.code == 421, "421");
}

static void test_domains(void)
{
    char *items[] = {"example.org", ".sub.example"};
    struct verify_settings settings = {.domains = {items, 2}};
    static const struct {
        const char *domain;
        bool is_verified;
    } domains[] = {
        {"example.org", true},     {"a.example.org", false},  {"sub.example", false},
        {"a.sub.example", true},   {"xsub.example", false},   {"", false},
        {"a.b.sub.example", true}, {"example.org.uk", false}, {".sub.example", true},
    };
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        ok(verify_has_domain(&settings, ADDRESS_RECIPIENT,
                             slice_from_string(domains[i].domain)) == domains[i].is_verified,
           "'%s'", domains[i].domain);
    ok(!verify_has_domain(&settings, ADDRESS_SENDER, SLICE_LITERAL("example.org")),
       "senders have a list of their own");
    items[0] = "*";
    ok(verify_has_domain(&settings, ADDRESS_RECIPIENT, SLICE_LITERAL("x.test")), "all");
}

int main(void)
{
    struct config *config = config_default();
    const struct verify_settings settings = config->verify;
    test_rules(&settings);
    test_senders(&settings);
    test_replies(settings);
    test_domains();
    config_free(config);
    return done_testing();
}
