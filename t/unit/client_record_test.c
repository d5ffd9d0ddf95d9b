#include "common/client_record.h"
#include "t/unit/tap.h"

#define DAY 86400LL

static void test_decay(void)
{
    struct client_record record = {
        .first_seen_s = 1, .last_seen_s = 1000, .counts = {8, 8, 8, 8}};
    client_record_decay(&record, 1000);
    is_number(record.counts[EVIDENCE_ACCEPTED], 8, "no time, no decay");
    client_record_decay(&record, 500);
    is_number(record.counts[EVIDENCE_ACCEPTED], 8, "a clock that went back does not count");
    is_number(record.last_seen_s, 1000, "... and does not move the record back");
    client_record_decay(&record, 1000 + 2 * DAY);
    is_number(record.counts[EVIDENCE_SILENT], 4, "bad evidence halves in two days");
    client_record_decay(&record, 1000 + 30 * DAY);
    ok(record.counts[EVIDENCE_ACCEPTED] > 3.99 && record.counts[EVIDENCE_ACCEPTED] < 4.01,
       "good evidence halves in thirty");
    client_record_decay(&record, 1000 + 100000 * DAY);
    is_number(record.counts[EVIDENCE_SILENT], 0, "all is forgotten in the end");
}

static void test_add(void)
{
    struct client_record record = {0};
    client_record_add(&record, &(struct session_outcome){.counts = {1, 2, 0, 0}}, 5000);
    is_number(record.first_seen_s, 5000, "first seen");
    is_number(record.counts[EVIDENCE_UNKNOWN_RECIPIENT], 2, "counts are added");
    is_number(record.hung_up_at_s, 0, "not hung up on");
    client_record_add(&record, &(struct session_outcome){.is_hung_up = true}, 5000 + 2 * DAY);
    is_number(record.first_seen_s, 5000, "first seen stays");
    is_number(record.counts[EVIDENCE_UNKNOWN_RECIPIENT], 1, "decayed before adding");
    is_number(record.hung_up_at_s, 5000 + 2 * DAY, "hung up at");
    client_record_add(&record, &(struct session_outcome){.is_hung_up = true},
                      5000 + 2 * DAY + 2);
    is_number(record.hung_up_at_s, 5000 + 2 * DAY, "a burst of hang-ups is one");
    client_record_add(&record, &(struct session_outcome){.is_hung_up = true},
                      5000 + 2 * DAY + 3);
    is_number(record.hung_up_at_s, 5000 + 2 * DAY + 3, "a later one is another");
    is_number(record.shared_at_s, 0, "not shared");
    client_record_add(&record, &(struct session_outcome){.is_shared = true}, 5010 + 2 * DAY);
    is_number(record.shared_at_s, 5010 + 2 * DAY, "shared");
    ok(session_outcome_is_empty(&(struct session_outcome){.is_hung_up = false}),
       "empty outcome");
    ok(!session_outcome_is_empty(&(struct session_outcome){.is_hung_up = true}),
       "a hang-up is an outcome");
}

static const struct {
    const char *name, *value;
    bool is_set;
} fields[] = {
    {"first", "1700000000", true},
    {"last", "1700000100", true},
    {"hung_up", "1700000050", true},
    {"shared", "1700000060", true},
    {"reclaimed", "1.000", true},
    {"rbl", "2", true},
    {"hammered", "3", true},
    {"accepted", "12.500", true},
    {"silent", "3", true},
    {"unknown_rcpt", "0.001", true},
    {"dropped", "nan", false},
    {"dropped", "-1", false},
    {"dropped", "inf", false},
    {"dropped", "", false},
    {"dropped", "1x", false},
    {"dropped", "1e300", false},
    {"future_field", "1", false},
    {"", "1", false},
    {"dropped", "00000000000000000000000000000000000000001", false},
};

static void test_fields(void)
{
    struct client_record record = {0};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        ok(client_record_set_field(&record, slice_from_string(fields[i].name),
                                   slice_from_string(fields[i].value)) == fields[i].is_set,
           "field '%s' = '%s'", fields[i].name, fields[i].value);
    is_number(record.first_seen_s, 1700000000, "first");
    is_number(record.last_seen_s, 1700000100, "last");
    is_number(record.hung_up_at_s, 1700000050, "hung_up");
    is_number(record.counts[EVIDENCE_ACCEPTED], 12.5, "accepted");
    is_number(record.counts[EVIDENCE_DROPPED], 0, "nonsense is not taken");
}

static void test_arguments(void)
{
    struct client_record_arguments arguments;
    struct session_outcome outcome = {.counts = {2, 0, 1, 0}, .is_hung_up = true};
    client_record_format_arguments(&outcome, 60 * DAY, &arguments);
    is_string(arguments.text[0], "5184000", "expiry in seconds");
    is_string(arguments.text[1], "1", "hung up");
    is_string(arguments.text[2], "0", "not shared");
    is_string(arguments.text[3], "accepted", "field");
    is_string(arguments.text[4], "2592000", "half-life");
    is_string(arguments.text[5], "2", "amount");
    is_string(arguments.text[CLIENT_RECORD_ARGUMENTS - 3], "bad_clients", "last field");
    is_string(arguments.text[CLIENT_RECORD_ARGUMENTS - 2], "172800", "its half-life");
}

int main(void)
{
    test_decay();
    test_add();
    test_fields();
    test_arguments();
    return done_testing();
}
