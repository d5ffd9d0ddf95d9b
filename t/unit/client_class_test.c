#include "common/client_class.h"
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW  2000000000LL
#define HOUR 3600LL
#define DAY  86400LL

static const struct class_settings settings = {
    .good_messages = 3,
    .good_age_s = HOUR,
    .good_ratio = 5,
    .good_domain_messages = 20,
    .good_network_messages = 50,
    .suspect_score = 2,
    .suspect_ratio = 1,
    .bot_score = 6,
    .bot_ratio = 5,
    .bad_network_clients = 3,
    .return_min_s = 20,
    .return_max_s = 6 * HOUR,
    .hammer_count = 3,
    .shared_memory_s = DAY,
    .weight = {[EVIDENCE_UNKNOWN_RECIPIENT] = 1,
               [EVIDENCE_SILENT] = 2,
               [EVIDENCE_DROPPED] = 0.2,
               [EVIDENCE_PROTOCOL_ERROR] = 0.5,
               [EVIDENCE_RECLAIMED] = 3,
               [EVIDENCE_RBL] = 1},
};

/* "accepted=12 silent=2 age=86400 seen=0 hung_up=60 shared=10": counts by field; times in
 * seconds before NOW. NULL: Redis did not answer; "": no record. */
static struct history_fact history_from_text(const char *text)
{
    struct history_fact history = {.state = HISTORY_MISSING};
    if (!text)
        return history;
    history.state = *text ? HISTORY_KNOWN : HISTORY_NONE;
    history.record.first_seen_s = NOW - DAY;
    history.record.last_seen_s = NOW;
    while (*text) {
        char name[32];
        double value;
        int length = 0;
        if (sscanf(text, " %31[a-z_]=%lf%n", name, &value, &length) != 2)
            abort();
        text += length;
        int64_t at_s = NOW - (int64_t)value;
        bool is_set = true;
        if (strcmp(name, "age") == 0)
            history.record.first_seen_s = at_s;
        else if (strcmp(name, "seen") == 0)
            history.record.last_seen_s = at_s;
        else if (strcmp(name, "hung_up") == 0)
            history.record.hung_up_at_s = at_s;
        else if (strcmp(name, "shared") == 0)
            history.record.shared_at_s = at_s;
        else
            is_set = false;
        for (int kind = 0; kind < EVIDENCE_COUNT && !is_set; kind++)
            if (strcmp(name, evidence_table[kind].field) == 0) {
                history.record.counts[kind] = (float)value;
                is_set = true;
            }
        if (!is_set)
            abort();
    }
    return history;
}

/* Flags: A authenticated, T in trusted networks, L on the allow list, O own address, N no
 * address, S shared at this moment, B blocked. */
#define ROW(what, flags, client, network, domain, class, reason)                               \
    {                                                                                          \
        what, flags, {client, network, domain}, class, reason                                  \
    }
static const struct {
    const char *what, *flags;
    const char *history[SCOPE_COUNT];
    enum client_class class;
    const char *reason;
} cases[] = {
    /* trusted, whatever they did */
    ROW("authenticated bot", "A", "unknown_rcpt=50 silent=50", "", "", CLASS_TRUSTED,
        "authenticated"),
    ROW("trusted network", "T", "silent=50", "", "", CLASS_TRUSTED, "trusted-network"),
    ROW("allow list", "L", "silent=50", "", "", CLASS_TRUSTED, "allowed"),
    ROW("no address", "N", "", "", "", CLASS_TRUSTED, "no-address"),
    ROW("blocked", "B", "accepted=50", "", "", CLASS_BOT, "blocked"),
    ROW("blocked, allowed", "BL", "", "", "", CLASS_TRUSTED, "allowed"),
    ROW("blocked, address of this host", "BO", "", "", "", CLASS_TRUSTED, "own-address"),
    ROW("address of this host", "O", "silent=50", "", "", CLASS_TRUSTED, "own-address"),

    /* nothing, or little */
    ROW("nothing known", "", "", "", "", CLASS_UNKNOWN, "no-history"),
    ROW("Redis did not answer", "", NULL, NULL, NULL, CLASS_UNKNOWN, "no-answer"),
    ROW("Redis answered for the domain alone", "", NULL, NULL, "accepted=30", CLASS_GOOD,
        "good-domain"),
    ROW("too few messages", "", "accepted=2.8", "", "", CLASS_UNKNOWN, "little-history"),
    ROW("known for too short a time: a spam run", "", "accepted=500 age=600", "", "",
        CLASS_UNKNOWN, "little-history"),

    /* good by its own history */
    ROW("good sender", "", "accepted=3", "", "", CLASS_GOOD, "good-history"),
    ROW("good sender without an answer for its network", "", "accepted=3", NULL, NULL,
        CLASS_GOOD, "good-history"),
    ROW("mailing list with a few dead addresses", "", "accepted=100 unknown_rcpt=15", "", "",
        CLASS_GOOD, "good-history"),
    ROW("quiet for a month", "", "accepted=8 age=7776000 seen=2592000", "", "", CLASS_GOOD,
        "good-history"),
    ROW("another host's clock is ahead", "", "accepted=5 seen=-300", "", "", CLASS_GOOD,
        "good-history"),
    ROW("good, and impatient", "", "accepted=9 hammered=5 hung_up=5", "", "", CLASS_GOOD,
        "good-history"),
    ROW("good, and its neighbours are bots", "", "accepted=9",
        "accepted=9 bad_clients=40 silent=400", "", CLASS_GOOD, "good-history"),

    /* good by domain or network */
    ROW("new address of a big sender, by domain", "", "", "", "accepted=5000 unknown_rcpt=200",
        CLASS_GOOD, "good-domain"),
    ROW("... even where bots live", "", "", "bad_clients=9 silent=90", "accepted=5000",
        CLASS_GOOD, "good-domain"),
    ROW("new address of a big sender, by network", "", "", "accepted=800", "", CLASS_GOOD,
        "good-network"),
    ROW("domain with too few messages", "", "", "", "accepted=18", CLASS_UNKNOWN, "no-history"),
    ROW("network with too few messages", "", "", "accepted=47", "", CLASS_UNKNOWN,
        "no-history"),
    ROW("domain known since a minute", "", "", "", "accepted=500 age=60", CLASS_UNKNOWN,
        "no-history"),
    ROW("domain of an access provider: mail and bots", "", "", "", "accepted=100 silent=40",
        CLASS_UNKNOWN, "no-history"),
    ROW("bot within a good domain", "", "silent=4", "", "accepted=5000", CLASS_BOT,
        "bad-history"),
    ROW("suspect within a good network", "", "silent=1", "accepted=800", "", CLASS_SUSPECT,
        "suspicious-history"),
    ROW("one mistake is forgiven", "", "unknown_rcpt=1", "", "accepted=5000", CLASS_GOOD,
        "good-domain"),

    /* bots */
    ROW("guesses recipients", "", "unknown_rcpt=6", "", "", CLASS_BOT, "bad-history"),
    ROW("guesses recipients and hits one now and then", "", "accepted=5 unknown_rcpt=30", "",
        "", CLASS_BOT, "bad-history"),
    ROW("holds slots in silence", "", "silent=3", "", "", CLASS_BOT, "bad-history"),
    ROW("three silent sessions within some hours", "", "silent=2.86", "", "", CLASS_BOT,
        "bad-history"),
    ROW("slot taken back twice", "", "reclaimed=2 hung_up=100", "", "", CLASS_BOT,
        "bad-history"),
    ROW("comes back after a plausible delay all the same", "", "silent=3 hung_up=300", "", "",
        CLASS_BOT, "bad-history"),

    /* suspects */
    ROW("one silent session", "", "silent=1", "", "", CLASS_SUSPECT, "suspicious-history"),
    ROW("slot taken back once", "", "reclaimed=1", "", "", CLASS_SUSPECT, "suspicious-history"),
    ROW("came back, but was silent before", "", "silent=1 hung_up=60", "", "", CLASS_SUSPECT,
        "suspicious-history"),
    ROW("as many dead addresses as messages", "", "accepted=20 unknown_rcpt=20", "", "",
        CLASS_UNKNOWN, "little-history"),
    ROW("more dead addresses than messages", "", "accepted=20 unknown_rcpt=30", "", "",
        CLASS_SUSPECT, "suspicious-history"),
    ROW("silence of a week ago is forgotten", "", "silent=6 age=777600 seen=604800", "", "",
        CLASS_UNKNOWN, "little-history"),
    ROW("a probe that drops connections all day", "", "dropped=9", "", "", CLASS_UNKNOWN,
        "little-history"),
    ROW("hammers", "", "hammered=2.99 hung_up=4", "", "", CLASS_SUSPECT, "hammering"),
    ROW("hammered, then waited", "", "hammered=2.9 hung_up=900", "", "", CLASS_SUSPECT,
        "hammering"),
    ROW("hammered this morning", "", "hammered=3 hung_up=43200 seen=43200", "", "",
        CLASS_UNKNOWN, "little-history"),

    /* networks of bots */
    ROW("new address in a network of bots", "", "", "bad_clients=3 silent=9", "", CLASS_SUSPECT,
        "bad-network"),
    ROW("one bad neighbour", "", "", "bad_clients=1 silent=90", "", CLASS_UNKNOWN,
        "no-history"),
    ROW("bad neighbours, and a mail server", "", "", "bad_clients=5 silent=9 accepted=40", "",
        CLASS_UNKNOWN, "no-history"),
    ROW("however bad the network, no more than suspect", "", "",
        "bad_clients=200 silent=9000 unknown_rcpt=9000", "", CLASS_SUSPECT, "bad-network"),
    ROW("a neighbour of bots that sent a message", "", "accepted=1", "bad_clients=9 silent=90",
        "", CLASS_UNKNOWN, "little-history"),
    ROW("a bad domain makes nobody worse", "", "", "", "bad_clients=200 silent=9000",
        CLASS_UNKNOWN, "no-history"),

    /* those who come back */
    ROW("came back after a minute", "", "hung_up=60", "", "", CLASS_RETURNING, "returned"),
    ROW("at the first moment that is plausible", "", "hung_up=20", "", "", CLASS_RETURNING,
        "returned"),
    ROW("too soon", "", "hung_up=19", "", "", CLASS_UNKNOWN, "little-history"),
    ROW("after six hours", "", "hung_up=21600", "", "", CLASS_RETURNING, "returned"),
    ROW("after a day", "", "hung_up=86400", "", "", CLASS_UNKNOWN, "little-history"),
    ROW("came too soon once, then waited", "", "hammered=1 hung_up=300", "", "",
        CLASS_RETURNING, "returned"),
    ROW("came back, into a network of bots", "", "hung_up=60", "bad_clients=9 silent=90", "",
        CLASS_RETURNING, "returned"),
    ROW("came back from another address of its domain", "", "", "", "accepted=6 hung_up=60",
        CLASS_RETURNING, "domain-returned"),
    ROW("bots of one provider do not return for each other", "", "", "",
        "accepted=1 silent=90 hung_up=60", CLASS_UNKNOWN, "no-history"),
    ROW("nobody returns for his network", "", "", "accepted=6 hung_up=60", "", CLASS_UNKNOWN,
        "no-history"),

    /* shared addresses */
    ROW("bots behind NAT, at this moment", "S", "accepted=10 silent=60", "", "", CLASS_UNKNOWN,
        "shared-address"),
    ROW("... and the day after", "", "accepted=10 silent=60 shared=80000", "", "",
        CLASS_UNKNOWN, "shared-address"),
    ROW("... no longer", "", "accepted=10 silent=60 shared=90000", "", "", CLASS_BOT,
        "bad-history"),
    ROW("impatient clients behind NAT", "S", "hammered=30 hung_up=4", "", "", CLASS_UNKNOWN,
        "shared-address"),
    ROW("shared and good", "S", "accepted=900 silent=6", "", "", CLASS_GOOD, "good-history"),
};

static void test_classes(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *flags = cases[i].flags;
        struct client_facts facts = {.has_address = !strchr(flags, 'N'),
                                     .is_authenticated = strchr(flags, 'A'),
                                     .is_in_trusted_networks = strchr(flags, 'T'),
                                     .is_allowed = strchr(flags, 'L'),
                                     .is_blocked = strchr(flags, 'B'),
                                     .is_own_address = strchr(flags, 'O'),
                                     .is_shared = strchr(flags, 'S'),
                                     .now_s = NOW};
        for (int scope = 0; scope < SCOPE_COUNT; scope++)
            facts.history[scope] = history_from_text(cases[i].history[scope]);
        struct classification result = classify(&facts, &settings);
        ok(result.class == cases[i].class, "%s: %s", cases[i].what,
           client_class_name(result.class));
        is_string(class_reason_name(result.reason), cases[i].reason, "  and why");
    }
}

static struct classification classify_history(const char *client, const char *domain)
{
    struct client_facts facts = {.has_address = true, .now_s = NOW};
    facts.history[SCOPE_CLIENT] = history_from_text(client);
    facts.history[SCOPE_NETWORK] = history_from_text("");
    facts.history[SCOPE_DOMAIN] = history_from_text(domain);
    return classify(&facts, &settings);
}

static void test_evidence(void)
{
    struct classification result = classify_history("accepted=1", "accepted=40");
    is_string(history_scope_name(result.scope), "domain", "whose record is the evidence");
    is_number(result.record.counts[EVIDENCE_ACCEPTED], 40, "and what it says");
    ok(result.has_own_mail, "mail of its own");
    ok(!classify_history("accepted=0.5", "").has_own_mail, "no mail of its own");

    ok(classify_history("hung_up=0", "").is_in_burst, "at the same time as a hang-up");
    ok(!classify_history("hung_up=2", "").is_hammering, "... which is not hammering");
    ok(classify_history("hung_up=3", "").is_hammering, "right after a hang-up");
    ok(!classify_history("hung_up=3", "").is_in_burst, "... is not the same time");
    ok(!classify_history("hung_up=20", "").is_hammering, "later is not hammering");
    ok(!classify_history("", "").is_hammering && !classify_history("", "").is_in_burst,
       "never hung up on");
    for (int reason = 0; reason < REASON_COUNT; reason++) {
        bool is_bad = class_reason_is_bad_history((enum class_reason)reason);
        ok(is_bad == (reason == REASON_BAD_HISTORY || reason == REASON_HAMMERING ||
                      reason == REASON_SUSPICIOUS_HISTORY || reason == REASON_BAD_NETWORK),
           "%s: %s", class_reason_name((enum class_reason)reason), is_bad ? "bad" : "not bad");
    }
}

static void test_outcomes(void)
{
    struct session_outcome outcomes[SCOPE_COUNT];
    struct session_outcome silent = {.is_hung_up = true, .is_shared = true};
    silent.counts[EVIDENCE_SILENT] = 1;
    struct history_fact none = history_from_text(""), suspect = history_from_text("silent=1"),
                        good = history_from_text("accepted=50");

    client_outcomes_get(&silent, &none, &settings, NOW, outcomes);
    ok(outcomes[SCOPE_CLIENT].is_hung_up && outcomes[SCOPE_CLIENT].is_shared, "the client's");
    is_number(outcomes[SCOPE_CLIENT].counts[EVIDENCE_BAD_CLIENT], 0, "is no client of itself");
    is_number(outcomes[SCOPE_NETWORK].counts[EVIDENCE_SILENT], 1, "the network's evidence");
    is_number(outcomes[SCOPE_NETWORK].counts[EVIDENCE_BAD_CLIENT], 1, "... a new suspect");
    ok(!outcomes[SCOPE_NETWORK].is_hung_up && !outcomes[SCOPE_NETWORK].is_shared,
       "a network is not hung up on");
    ok(outcomes[SCOPE_DOMAIN].is_hung_up && !outcomes[SCOPE_DOMAIN].is_shared, "a domain is");
    is_number(outcomes[SCOPE_DOMAIN].counts[EVIDENCE_BAD_CLIENT], 1, "... and has a suspect");
    client_outcomes_get(&silent, &suspect, &settings, NOW, outcomes);
    is_number(outcomes[SCOPE_NETWORK].counts[EVIDENCE_BAD_CLIENT], 0, "each is counted once");
    client_outcomes_get(&silent, &good, &settings, NOW, outcomes);
    is_number(outcomes[SCOPE_NETWORK].counts[EVIDENCE_BAD_CLIENT], 0, "no suspect, no count");
}

static void test_format(void)
{
    struct client_record record = {.counts = {12, 0.04F, 3, 0}};
    char text[EVIDENCE_TEXT_SIZE];
    evidence_format(&record, text);
    is_string(text, "accepted:12.0,silent:3.0", "evidence as text");
    evidence_format(&(struct client_record){.first_seen_s = 1}, text);
    is_string(text, "none", "no evidence as text");
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        record.counts[kind] = 99999;
    evidence_format(&record, text);
    ok(strstr(text, "bad_clients:99999.0"), "all of it fits");
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        record.counts[kind] = 3e38F;
    evidence_format(&record, text);
    ok(strlen(text) < EVIDENCE_TEXT_SIZE, "huge counts are cut, not overrun");
}

int main(void)
{
    test_classes();
    test_evidence();
    test_outcomes();
    test_format();
    return done_testing();
}
