#include "common/recipient_record.h"
#include "t/unit/tap.h"

#define NOW   1700000000LL
#define HOUR  3600LL
#define DAY   86400LL
#define NEVER (-NOW)

static const struct recipient_lifetimes lifetimes = {7 * DAY, 31 * DAY, 3 * HOUR, 3 * DAY};

#define UNKNOWN RECIPIENT_UNKNOWN
#define GOOD    RECIPIENT_DELIVERABLE
#define BAD     RECIPIENT_UNDELIVERABLE
#define LATER   RECIPIENT_DEFERRED

/* A call instead of braces: clang-format would line the members up in columns. */
#define ROW(...)                                                                               \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }

/* Times are relative to NOW. Session 7 tells. */
static const struct {
    const char *what;
    enum recipient_status before;
    int64_t updated, probed, asked;
    uint64_t asked_by;
    enum recipient_status told;
    bool is_probe_result, is_change;
    enum recipient_status after;
    int64_t updated_after, probed_after;
} rows[] = {
    ROW("refused", UNKNOWN, NEVER, NEVER, NEVER, 0, BAD, false, true, BAD, 0, NEVER),
    ROW("refused, as verify(8) says", UNKNOWN, NEVER, NEVER, NEVER, 0, BAD, true, true, BAD, 0,
        NEVER),
    ROW("deferred", UNKNOWN, NEVER, NEVER, NEVER, 0, LATER, false, true, LATER, 0, NEVER),
    ROW("nothing is told", UNKNOWN, NEVER, NEVER, NEVER, 0, UNKNOWN, true, false, UNKNOWN,
        NEVER, NEVER),
    ROW("accepted, verified for this session", UNKNOWN, NEVER, NEVER, -1, 7, GOOD, false, true,
        GOOD, 0, NEVER),
    ROW("... by policyd that knows no sessions", UNKNOWN, NEVER, NEVER, -1, 0, GOOD, false,
        true, GOOD, 0, NEVER),
    ROW("... for another session", UNKNOWN, NEVER, NEVER, -1, 8, GOOD, false, false, UNKNOWN,
        NEVER, NEVER),
    ROW("... just in time", UNKNOWN, NEVER, NEVER, -300, 7, GOOD, false, true, GOOD, 0, NEVER),
    ROW("... too long ago", UNKNOWN, NEVER, NEVER, -301, 7, GOOD, false, false, UNKNOWN, NEVER,
        NEVER),
    ROW("accepted, not verified", UNKNOWN, NEVER, NEVER, NEVER, 0, GOOD, false, false, UNKNOWN,
        NEVER, NEVER),
    ROW("deliverable, as verify(8) says", UNKNOWN, NEVER, NEVER, NEVER, 0, GOOD, true, true,
        GOOD, 0, NEVER),
    ROW("deliverable, and refused", GOOD, -DAY, NEVER, NEVER, 0, BAD, false, false, GOOD, -DAY,
        NEVER),
    ROW("deliverable, and refused, verify(8)", GOOD, -DAY, NEVER, NEVER, 0, BAD, true, false,
        GOOD, -DAY, NEVER),
    ROW("deliverable, due, and refused", GOOD, -8 * DAY, NEVER, NEVER, 0, BAD, false, false,
        GOOD, -8 * DAY, NEVER),
    ROW("deliverable, and deferred", GOOD, -DAY, NEVER, NEVER, 0, LATER, true, false, GOOD,
        -DAY, NEVER),
    ROW("deliverable, at its last second", GOOD, -31 * DAY + 1, NEVER, NEVER, 0, BAD, false,
        false, GOOD, -31 * DAY + 1, NEVER),
    ROW("deliverable, expired", GOOD, -31 * DAY, NEVER, NEVER, 0, BAD, false, true, BAD, 0,
        NEVER),
    ROW("deliverable again, not due", GOOD, -DAY, NEVER, -1, 7, GOOD, false, false, GOOD, -DAY,
        NEVER),
    ROW("deliverable again, verify(8)", GOOD, -DAY, NEVER, NEVER, 0, GOOD, true, true, GOOD, 0,
        NEVER),
    ROW("deliverable again, due: marked", GOOD, -8 * DAY, NEVER, -1, 7, GOOD, false, true, GOOD,
        -8 * DAY, 0),
    ROW("... marked before: not yet", GOOD, -8 * DAY, -1000, -1, 7, GOOD, false, false, GOOD,
        -8 * DAY, -1000),
    ROW("... confirmed", GOOD, -8 * DAY, -1001, -1, 7, GOOD, false, true, GOOD, 0, NEVER),
    ROW("... but not by mail that nobody verified", GOOD, -8 * DAY, -1001, NEVER, 0, GOOD,
        false, false, GOOD, -8 * DAY, -1001),
    ROW("... a mark from before it was due", GOOD, -8 * DAY, -2 * DAY, -1, 7, GOOD, false, true,
        GOOD, -8 * DAY, 0),
    ROW("undeliverable again, not due", BAD, -HOUR, NEVER, NEVER, 0, BAD, false, false, BAD,
        -HOUR, NEVER),
    ROW("undeliverable again, due: marked", BAD, -3 * HOUR, NEVER, NEVER, 0, BAD, false, true,
        BAD, -3 * HOUR, 0),
    ROW("... confirmed", BAD, -4 * HOUR, -1001, NEVER, 0, BAD, false, true, BAD, 0, NEVER),
    ROW("... verify(8)", BAD, -HOUR, NEVER, NEVER, 0, BAD, true, true, BAD, 0, NEVER),
    ROW("undeliverable, created meanwhile", BAD, -4 * HOUR, NEVER, -2, 7, GOOD, false, true,
        GOOD, 0, NEVER),
    ROW("undeliverable, created, verify(8)", BAD, -HOUR, NEVER, NEVER, 0, GOOD, true, true,
        GOOD, 0, NEVER),
    ROW("undeliverable, accepted unverified", BAD, -4 * HOUR, NEVER, NEVER, 0, GOOD, false,
        false, BAD, -4 * HOUR, NEVER),
    ROW("undeliverable, and deferred", BAD, -4 * HOUR, NEVER, NEVER, 0, LATER, true, false, BAD,
        -4 * HOUR, NEVER),
    ROW("undeliverable, expired, and deferred", BAD, -3 * DAY, NEVER, NEVER, 0, LATER, false,
        true, LATER, 0, NEVER),
    ROW("deferred again", LATER, -HOUR, NEVER, NEVER, 0, LATER, false, true, LATER, 0, NEVER),
    ROW("deferred, then refused", LATER, -HOUR, NEVER, NEVER, 0, BAD, false, true, BAD, 0,
        NEVER),
    ROW("deferred, then accepted", LATER, -HOUR, NEVER, -1, 7, GOOD, false, true, GOOD, 0,
        NEVER),
    ROW("forgotten, and refused by a table", RECIPIENT_FORGOTTEN, -HOUR, NEVER, NEVER, 0, BAD,
        false, true, BAD, 0, NEVER),
    ROW("forgotten, and accepted unverified", RECIPIENT_FORGOTTEN, -HOUR, NEVER, NEVER, 0, GOOD,
        false, false, RECIPIENT_FORGOTTEN, -HOUR, NEVER),
    ROW("a clock ahead of ours", GOOD, DAY, NEVER, NEVER, 0, BAD, false, false, GOOD, 0, NEVER),
};

static void test_apply(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recipient_record record = {
            .status = rows[i].before,
            .updated_s = NOW + rows[i].updated,
            .probed_s = NOW + rows[i].probed,
            .asked_s = NOW + rows[i].asked,
            .asked_by = rows[i].asked_by,
            .text = "before",
        };
        struct recipient_report report = {.status = rows[i].told,
                                          .is_probe_result = rows[i].is_probe_result,
                                          .session = 7,
                                          .text = SLICE_LITERAL("after")};
        bool is_change = recipient_record_apply(&record, &report, &lifetimes, NOW);
        ok(is_change == rows[i].is_change && record.status == rows[i].after &&
               record.updated_s == NOW + rows[i].updated_after &&
               record.probed_s == NOW + rows[i].probed_after,
           "%s", rows[i].what);
        bool is_new = is_change && record.updated_s == NOW;
        is_string(record.text, is_new ? "after" : "before", "its text");
    }
}

static void test_age(void)
{
    static const struct {
        enum recipient_status status;
        int64_t age_s;
        enum recipient_status counts_as;
        bool is_due;
    } ages[] = {
        {GOOD, 0, GOOD, false},
        {GOOD, 7 * DAY - 1, GOOD, false},
        {GOOD, 7 * DAY, GOOD, true},
        {GOOD, 31 * DAY - 1, GOOD, true},
        {GOOD, 31 * DAY, UNKNOWN, true},
        {BAD, 3 * HOUR - 1, BAD, false},
        {BAD, 3 * HOUR, BAD, true},
        {BAD, 3 * DAY, UNKNOWN, true},
        {LATER, 3 * HOUR - 1, LATER, false},
        {LATER, 3 * HOUR, UNKNOWN, true},
        {GOOD, -DAY, GOOD, false},
    };
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        struct recipient_record record = {.status = ages[i].status,
                                          .updated_s = NOW - ages[i].age_s};
        ok(recipient_record_status(&record, &lifetimes, NOW) == ages[i].counts_as &&
               recipient_record_is_due(&record, &lifetimes, NOW) == ages[i].is_due,
           "%s for %lld s", recipient_status_name(ages[i].status), (long long)ages[i].age_s);
    }
}

static void test_fields(void)
{
    static const struct {
        const char *name, *value;
        bool is_set;
    } fields[] = {
        {"status", "deliverable", true},
        {"status", "undeliverable", true},
        {"status", "deferred", true},
        {"status", "unknown", false},
        {"status", "Deliverable", false},
        {"status", "", false},
        {"updated", "1700000000", true},
        {"updated", "-1", false},
        {"updated", "1e9", false},
        {"updated", "9999999999999999", false},
        {"probed", "1700000001", true},
        {"asked", "1700000002 ff", true},
        {"asked", "1700000002", false},
        {"asked", "1700000002 ", false},
        {"asked", " ff", false},
        {"asked", "1 0x1", false},
        {"asked", "1 00000000000000000000000000", false},
        {"text", "no \r\nsuch user\xff", true},
        {"text", "", true},
        {"future", "1", false},
        {"", "", false},
    };
    struct recipient_record record = {.status = RECIPIENT_UNKNOWN};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        ok(recipient_record_set_field(&record, slice_from_string(fields[i].name),
                                      slice_from_string(fields[i].value)) == fields[i].is_set,
           "field %zu", i);
        if (i == 17)
            is_string(record.text, "no ??such user?", "printable");
    }
    ok(record.status == LATER && record.updated_s == 1700000000 &&
           record.probed_s == 1700000001 && record.asked_s == 1700000002 &&
           record.asked_by == 0xff,
       "the last good value stays");
}

static void test_sessions(void)
{
    struct address a, b;
    address_parse(SLICE_LITERAL("192.0.2.1"), &a);
    address_parse(SLICE_LITERAL("2001:db8::1"), &b);
    ok(recipient_session(&a, 25) == recipient_session(&a, 25), "the same");
    ok(recipient_session(&a, 25) != recipient_session(&a, 26), "another port");
    ok(recipient_session(&a, 25) != recipient_session(&b, 25), "another client");
    ok(recipient_session(&a, 0) == RECIPIENT_ANY_SESSION, "port not known");
    ok(recipient_session(NULL, 25) == RECIPIENT_ANY_SESSION, "client not known");
}

static void test_commands(void)
{
    char buffer[RECIPIENT_COMMAND_SIZE], text[1000];
    struct redis_command command = REDIS_COMMAND(buffer);
    memset(text, 'x', sizeof(text));
    struct recipient_report report = {
        .status = BAD, .session = UINT64_MAX, .text = {text, sizeof(text)}};
    recipient_record_command(&command, SLICE_LITERAL("pv:rcpt:0"), &report, &lifetimes);
    ok(!command.is_overflown, "a record's command fits");
    command = REDIS_COMMAND(buffer);
    recipient_asked_command(&command, SLICE_LITERAL("pv:rcpt:0"), 1);
    ok(!command.is_overflown, "the other one too");
}

int main(void)
{
    test_apply();
    test_age();
    test_fields();
    test_sessions();
    test_commands();
    return done_testing();
}
