/* The report: its sums, its events, and which numbers call for which advice. */
#include "common/counter_select.h"
#include "common/memory.h"
#include "common/report.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define ANY         COUNTER_ANY
#define FIELDS_MAX  16
#define OUTPUT_SIZE 8192

struct output {
    char text[OUTPUT_SIZE];
    char advice[256]; /* labels, each with a blank behind */
};

static void take(void *context, const struct report_line *line)
{
    struct output *output = context;
    size_t length = strlen(output->text), advised = strlen(output->advice);
    length += (size_t)snprintf(output->text + length, OUTPUT_SIZE - length, "%s|%s",
                               line->label, line->text);
    for (int i = 0; i < REPORT_COLUMNS && line->part == REPORT_COLUMN; i++)
        length += (size_t)snprintf(output->text + length, OUTPUT_SIZE - length, "%s|",
                                   line->fields[i]);
    snprintf(output->text + length, OUTPUT_SIZE - length, "\n");
    if (line->part == REPORT_ADVICE)
        snprintf(output->advice + advised, sizeof(output->advice) - advised, "%s ",
                 line->label);
}

static struct counter_snapshot *snapshot_of(const char *const fields[])
{
    struct counter_snapshot *snapshot = memory_allocate(1, sizeof(*snapshot));
    for (int i = 0; fields[i]; i++) {
        const char *blank = strrchr(fields[i], ' ');
        const struct redis_field field = {{fields[i], (size_t)(blank - fields[i])},
                                          slice_from_string(blank + 1)};
        counter_snapshot_add(snapshot, &field, COUNTER_PROCESS_COUNT);
    }
    return snapshot;
}

static void test_sums(void)
{
    const char *const fields[] = {"sessions_started{process=milter,class=bot} 7",
                                  "sessions_started{process=milter,class=good} 3",
                                  "hang_ups{process=milter,class=bot,reason=bad-history} 5",
                                  "hang_ups{process=policyd,class=bot,reason=hammering} 2",
                                  "first_message_ms{process=milter,class=good,bucket=50} 98",
                                  "first_message_ms{process=milter,class=good,bucket=500} 1",
                                  "first_message_ms{process=milter,class=good,bucket=inf} 1",
                                  "first_message_ms_sum{process=milter,class=good} 999999",
                                  NULL};
    struct counter_snapshot *snapshot = snapshot_of(fields);
    is_number(counter_select_sum(snapshot, COUNTER_SELECT(SESSIONS_STARTED, ANY, ANY)), 10,
              "all");
    is_number(counter_select_sum(snapshot, COUNTER_SELECT(SESSIONS_STARTED, ANY, CLASS_BOT)), 7,
              "of a class");
    is_number(counter_select_sum(snapshot, COUNTER_SELECT(HANG_UPS, ANY, CLASS_BOT, ANY)), 7,
              "of all processes");
    is_number(counter_select_sum(snapshot,
                                 COUNTER_SELECT(HANG_UPS, COUNTER_PROCESS_POLICYD, ANY, ANY)),
              2, "of one");
    struct counter_selection first = COUNTER_SELECT(FIRST_MESSAGE, ANY, CLASS_GOOD);
    is_number(counter_select_sum(snapshot, first), 100, "observations, without their sum");
    is_number(counter_select_quantile(snapshot, first, 0.5), 50, "half");
    is_number(counter_select_quantile(snapshot, first, 0.99), 500, "99 %");
    ok(counter_select_quantile(snapshot, first, 1) == INT64_MAX, "above the last bound");
    first.labels[0] = CLASS_BOT;
    is_number(counter_select_quantile(snapshot, first, 0.5), -1, "none");
    free(snapshot);
}

static void test_events(void)
{
    struct report_events events = {.stress_count = 0};
    report_add_level(&events, "smtp", LEVEL_ELEVATED, 100);
    report_add_level(&events, "smtp", LEVEL_STRESSED, 110);
    report_add_level(&events, "submission", LEVEL_CRITICAL, 115);
    report_add_level(&events, "smtp", LEVEL_CRITICAL, 120);
    report_add_level(&events, "smtp", LEVEL_ELEVATED, 150);
    report_add_level(&events, "smtp", LEVEL_CALM, 160);
    is_number(events.stress_count, 2, "stressed twice, of two services");
    is_number(events.stress_longest_s, 40, "until it is elevated again");
    report_end_events(&events, 200);
    is_number(events.stress_longest_s, 85, "the other lasts until now");
    for (int i = 0; i < 2 * REPORT_SERVICES_MAX; i++) {
        char service[16];
        snprintf(service, sizeof(service), "s%d", i);
        report_add_level(&events, service, LEVEL_STRESSED, 300);
    }
    is_number(events.stress_count, 2 + 2 * REPORT_SERVICES_MAX,
              "more services than there is room");
}

/* What is asked for, in order; everything else in the report is not looked at. */
static const struct {
    const char *name, *advice;
    const char *fields[FIELDS_MAX];
    int64_t history_cap_count;
    enum mode mode;
} cases[] = {
    {"nothing happened", "", {NULL}, 0, MODE_ENFORCE},
    {"a calm day",
     "",
     {"level_time_ms{process=milter,service=smtp,level=calm} 86400000",
      "slot_time_ms{process=milter,class=bot} 1000000"},
     0,
     MODE_ENFORCE},
    {"a burst",
     "",
     {"level_time_ms{process=milter,service=smtp,level=calm} 86400000",
      "level_time_ms{process=milter,service=smtp,level=stressed} 600000",
      "slot_time_ms{process=milter,class=good} 1000000"},
     0,
     MODE_ENFORCE},
    {"honest mail, all day",
     "slots ",
     {"level_time_ms{process=milter,service=smtp,level=calm} 9000",
      "level_time_ms{process=milter,service=smtp,level=critical} 1000",
      "slot_time_ms{process=milter,class=good} 1000000",
      "slot_time_ms{process=milter,class=bot} 1000"},
     0,
     MODE_ENFORCE},
    {"bots, all day",
     "bots ",
     {"level_time_ms{process=milter,service=smtp,level=stressed} 1000",
      "slot_time_ms{process=milter,class=good} 500",
      "slot_time_ms{process=milter,class=suspect} 300",
      "slot_time_ms{process=milter,class=bot} 200"},
     0,
     MODE_ENFORCE},
    {"the second service, as policyd saw it",
     "slots ",
     {"level_time_ms{process=milter,service=smtp,level=calm} 1000",
      "level_time_ms{process=policyd,service=submission,level=stressed} 1000",
      "level_time_ms{process=policyd,service=smtp,level=stressed} 500",
      "slot_time_ms{process=milter,class=good} 500"},
     0,
     MODE_ENFORCE},
    {"who saw less does not tell",
     "",
     {"level_time_ms{process=milter,service=smtp,level=calm} 1000",
      "level_time_ms{process=policyd,service=smtp,level=stressed} 500",
      "slot_time_ms{process=milter,class=good} 500"},
     0,
     MODE_ENFORCE},
    {"silence that nobody ends",
     "slots reclaim ",
     {"level_time_ms{process=milter,service=smtp,level=stressed} 1000",
      "slot_time_ms{process=milter,class=unknown} 500",
      "sessions_ended{process=milter,class=unknown,end=silent} 100"},
     0,
     MODE_ENFORCE},
    {"... that somebody does",
     "slots ",
     {"level_time_ms{process=milter,service=smtp,level=stressed} 1000",
      "slot_time_ms{process=milter,class=unknown} 500",
      "slots_reclaimed{process=milter,class=unknown} 1",
      "sessions_ended{process=milter,class=unknown,end=silent} 100"},
     0,
     MODE_ENFORCE},
    {"good mail",
     "good ",
     {"hang_ups{process=milter,class=good,reason=good-history} 1"},
     0,
     MODE_ENFORCE},
    {"the rail", "history ", {NULL}, 2, MODE_ENFORCE},
    {"Redis, too little to tell",
     "",
     {"redis_requests{process=milter,result=timed-out} 99"},
     0,
     MODE_ENFORCE},
    {"Redis",
     "redis ",
     {"redis_requests{process=milter,result=timed-out} 6",
      "redis_requests{process=policyd,result=answered} 94"},
     0,
     MODE_ENFORCE},
    {"a list that fails, and one that does not",
     "list ",
     {"rbl_answers{process=policyd,list=a.example,result=timed-out} 10",
      "rbl_answers{process=policyd,list=a.example,result=listed} 90",
      "rbl_answers{process=policyd,list=b.example,result=not-listed} 1000"},
     0,
     MODE_ENFORCE},
    {"observe mode",
     "observe ",
     {"verdicts{process=milter,stage=CONNECT,class=bot,verdict=observed,rule=bot} 3"},
     0,
     MODE_OBSERVE},
};

static void test_advice(void)
{
    struct output *output = memory_allocate(1, sizeof(*output));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct counter_snapshot *counters = snapshot_of(cases[i].fields);
        const struct report_facts facts = {
            .host = "mx1",
            .seconds = 86400,
            .counters = counters,
            .mode = cases[i].mode,
            .is_reclaim_enabled = true,
            .events.history_cap_count = cases[i].history_cap_count,
        };
        *output = (struct output){.text = ""};
        report_make(&facts, take, output);
        is_string(output->advice, cases[i].advice, cases[i].name);
        ok((strstr(output->text, "Nothing that the numbers call for.") != NULL) ==
               (cases[i].advice[0] == '\0'),
           "%s: says so", cases[i].name);
        free(counters);
    }
    free(output);
}

static void test_text(void)
{
    const char *const fields[] = {
        "level_time_ms{process=milter,service=smtp,level=calm} 86000000",
        "level_time_ms{process=milter,service=smtp,level=stressed} 400000",
        "sessions_started{process=milter,class=good} 3",
        "messages_accepted{process=milter,class=good} 2",
        "slot_time_ms{process=milter,class=good} 3000",
        "slot_time_ms{process=milter,class=bot} 1000",
        "first_message_ms{process=milter,class=good,bucket=200} 2",
        "verdicts{process=milter,stage=CONNECT,class=bot,verdict=hang-up-421,rule=bot} 4",
        "hang_ups{process=milter,class=bot,reason=bad-history} 4",
        NULL};
    struct counter_snapshot *counters = snapshot_of(fields);
    const struct report_facts facts = {.host = "mx1",
                                       .seconds = 86400,
                                       .counters = counters,
                                       .events = {.stress_count = 2, .stress_longest_s = 300}};
    static const char *const lines[] = {
        "|Postvalve on mx1, the last 1d\n",
        "smtp|stressed for 6m40s, calm for 23h53m\n",
        "Stressed|2 times, the longest for 5m\n",
        "Hung up on|4 times: 4 with 421 (come back), 0 with 521\n",
        "good|3|0|0|2|75 %|0.2 s|\n",
        "bot|0|4|0|0|25 %|-|\n",
    };
    struct output *output = memory_allocate(1, sizeof(*output));
    report_make(&facts, take, output);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ok(strstr(output->text, lines[i]) != NULL, "%.*s", (int)strlen(lines[i]) - 1, lines[i]);
    free(output);
    free(counters);
}

int main(void)
{
    test_sums();
    test_events();
    test_advice();
    test_text();
    return done_testing();
}
