#include "common/verify_reply.h"

#include "common/probe_budget.h"
#include "t/unit/tap.h"

/* As smtpd(8) words them. */
static const struct {
    const char *code, *text;
    enum recipient_status status;
    enum address_kind kind;
    const char *reason;
} replies[] = {
    {"5.1.1",
     "<bob@example.org>: Recipient address rejected: undeliverable address: host "
     "127.0.0.1[127.0.0.1] said: 550 5.1.1 no such user",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT,
     "host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no such user"},
    {"4.1.1", "<bob@example.org>: Recipient address rejected: undeliverable address: no",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "no"},
    {"5.1.1",
     "<bob@example.org>: Recipient address rejected: User unknown in relay recipient table",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "User unknown in relay recipient table"},
    {"4.1.1",
     "<bob@example.org>: Recipient address rejected: User unknown in local recipient table",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "User unknown in local recipient table"},
    {"5.1.10",
     "<bob@example.org>: Recipient address rejected: Domain example.org does not accept mail",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "Domain example.org does not accept mail"},
    {"4.1.1",
     "<bob@example.org>: Recipient address rejected: unverified address: Address verification "
     "in progress",
     RECIPIENT_DEFERRED, ADDRESS_RECIPIENT, "Address verification in progress"},
    {"4.1.1", "<bob@example.org>: Recipient address rejected: address verification problem",
     RECIPIENT_DEFERRED, ADDRESS_RECIPIENT, "address verification problem"},
    {"5.1.7", "<eve@example.net>: Sender address rejected: undeliverable address: no",
     RECIPIENT_UNDELIVERABLE, ADDRESS_SENDER, "no"},
    {"4.1.7", "<eve@example.net>: Sender address rejected: unverified address: later",
     RECIPIENT_DEFERRED, ADDRESS_SENDER, "later"},
    /* As a milter gets it. */
    {"5.1.1", "Recipient address rejected: undeliverable address: no such user",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "no such user"},
    {"5.1.1", "Recipient address rejected: User unknown in relay recipient table",
     RECIPIENT_UNDELIVERABLE, ADDRESS_RECIPIENT, "User unknown in relay recipient table"},
    {"5.1.7", "Sender address rejected: undeliverable address: no", RECIPIENT_UNDELIVERABLE,
     ADDRESS_SENDER, "no"},
    {"5.1.3", "Recipient address rejected: sender: undeliverable address [remembered]: no",
     RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
    /* Nothing else counts. */
    {"5.1.8", "<eve@example.net>: Sender address rejected: Domain not found", RECIPIENT_UNKNOWN,
     ADDRESS_SENDER, ""},
    {"5.1.1", "<eve@example.net>: Sender address rejected: User unknown in local table",
     RECIPIENT_UNKNOWN, ADDRESS_SENDER, ""},
    {"5.7.1", "<bob@example.org>: Relay access denied", RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT,
     ""},
    {"5.1.2", "<bob@example.org>: Recipient address rejected: Domain not found",
     RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
    {"4.2.2", "<bob@example.org>: Recipient address rejected: mailbox full", RECIPIENT_UNKNOWN,
     ADDRESS_RECIPIENT, ""},
    {"4.7.1", "Service unavailable", RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
    {"", "", RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
    /* Our own answers are no news. */
    {"5.1.1",
     "<bob@example.org>: Recipient address rejected: undeliverable address [remembered]: x",
     RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
    {"4.1.1", "<bob@example.org>: Recipient address rejected: unverified address [not probed]",
     RECIPIENT_UNKNOWN, ADDRESS_RECIPIENT, ""},
};

static void test_read(void)
{
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct recipient_report report;
        enum address_kind kind = ADDRESS_RECIPIENT;
        bool is_news = verify_reply_read(replies[i].code, replies[i].text, &kind, &report);
        ok(is_news == (replies[i].status != RECIPIENT_UNKNOWN), "reply %zu", i);
        if (!is_news)
            continue;
        ok(report.status == replies[i].status && kind == replies[i].kind, "what it tells");
        is_string(report.text.data, replies[i].reason, "the reason");
    }
}

static const struct {
    const char *reason, *redacted;
} reasons[] = {
    {"host mx[192.0.2.1] said: 550 5.1.1 <Bob@example.org>: User unknown (in reply to RCPT)",
     "host mx[192.0.2.1] said: 550 5.1.1 <...>: User unknown (in reply to RCPT)"},
    {"unknown user: \"BOB\"", "unknown user: \"...\""},
    {"no user bob.", "no user ..."},
    {"bobby is not bob", "bobby is not ..."},
    {"<robert.x+y@internal.example> has no mailbox", "<...> has no mailbox"},
    {"b\xc3\xb6"
     "b@example.org",
     "..."},
    {"", ""},
    {"@", "..."},
};

static void test_redact(void)
{
    const struct recipient_address_settings settings = {"", true};
    struct recipient_address address;
    char out[RECIPIENT_TEXT_SIZE], text[1000];
    recipient_address_set(&address, SLICE_LITERAL("bob@example.org"), &settings);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        size_t length =
            verify_reason_redact(slice_from_string(reasons[i].reason), &address, out);
        is_string(out, reasons[i].redacted, "redacted");
        is_number(length, strlen(out), "its length");
    }
    memset(text, 'x', sizeof(text));
    is_number(verify_reason_redact((struct slice){text, sizeof(text)}, &address, out),
              RECIPIENT_TEXT_SIZE - 1, "cut");
}

static void test_budget(void)
{
    struct probe_budget budget = {.filled_ms = 0};
    int64_t now_ms = 1000000, probes = 0;
    while (probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms)) {
        probe_budget_take(&budget, PROBE_OF_ANYBODY);
        probes++;
    }
    is_number(probes, 30, "a minute's worth at once");
    ok(probe_budget_has(&budget, PROBE_OF_RETURNING, 30, now_ms), "the reserve is untouched");
    ok(!probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms + 1900), "not yet");
    ok(probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms + 2100), "one in two seconds");
    probe_budget_take(&budget, PROBE_OF_ANYBODY);
    ok(!probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms + 2100), "and no more");
    probe_budget_give_back(&budget, PROBE_OF_ANYBODY, 30);
    ok(probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms + 2100), "given back");
    ok(!probe_budget_has(&budget, PROBE_OF_ANYBODY, 30, now_ms) ||
           budget.left[PROBE_OF_ANYBODY] < 2,
       "a clock that goes back makes no probes");
    ok(probe_budget_has(&budget, PROBE_OF_ANYBODY, 0, now_ms), "0 is no limit");
}

int main(void)
{
    test_read();
    test_redact();
    test_budget();
    return done_testing();
}
