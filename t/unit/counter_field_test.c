/* Names of counters in Redis and back, and snapshots and Prometheus text made of them. */
#include "common/counter_field.h"
#include "common/metrics_text.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define LABELS(...) ((const unsigned[COUNTER_LABELS_MAX]){__VA_ARGS__})

static struct counter_set set;
static struct counter_snapshot snapshot;

static int parse(const char *text, enum counter_process *process_r)
{
    struct counter_set *sets[COUNTER_PROCESS_COUNT] = {&set, &set, &set};
    return counter_field_parse(slice_from_string(text), sets, process_r);
}

static void test_round_trip(void)
{
    struct counter_cell cell = COUNTER_CELL_BEGIN;
    int cells = 0, wrong = 0;
    for (unsigned i = 0; i < COUNTER_NAMES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "list%u.example", i);
        counter_name(&set, COUNTER_LABEL_LIST, slice_from_string(name));
        counter_name(&set, COUNTER_LABEL_SERVICE, slice_from_string(name));
    }
    while (counter_cell_next(&cell)) {
        char field[COUNTER_FIELD_SIZE];
        enum counter_process process = COUNTER_PROCESS_COUNT;
        size_t length = counter_field_format(&set, &cell, COUNTER_PROCESS_SPAWN, field);
        struct counter_cell at = counter_cell_at(cell.index);
        cells++;
        if (strlen(field) != length || parse(field, &process) != cell.index ||
            process != COUNTER_PROCESS_SPAWN || memcmp(&at, &cell, sizeof(at)) != 0) {
            wrong++;
            printf("# %s\n", field);
        }
    }
    is_number(cells, COUNTER_CELLS, "all cells are visited");
    is_number(wrong, 0, "each has a name that leads back to it");
}

static void test_refused(void)
{
    static const char *const rows[] = {
        "",
        "{",
        "processes",
        "sessions_started",
        "sessions_started{}",
        "sessions_started{process=milter}",
        "sessions_started{process=milter,class=good",
        "sessions_started{process=milter,class=good} ",
        "sessions_started{process=milter,class=nice}",
        "sessions_started{process=nobody,class=good}",
        "sessions_started{process=milter,class=good,end=mail}",
        "sessions_started{class=good,process=milter}",
        "sessions_started_sum{process=milter,class=good}",
        "decision{process=milter,bucket=20}",
        "decision_us{process=milter}",
        "decision_us{process=milter,bucket=21}",
        "decision_us{process=milter,bucket=-20}",
        "decision_us{process=milter,bucket=99999999999999999999}",
        "decision_us_sum{process=milter,bucket=20}",
        "nonsense{process=milter}",
    };
    enum counter_process process;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(parse(rows[i], &process) < 0, "none of ours: '%s'", rows[i]);
}

static void add(const char *name, const char *value)
{
    const struct redis_field field = {slice_from_string(name), slice_from_string(value)};
    counter_snapshot_add(&snapshot, &field, COUNTER_PROCESS_POLICYD);
}

static const char *render(void)
{
    static struct buffer text;
    buffer_free(&text);
    text = BUFFER_WITH_MAXIMUM(METRICS_TEXT_MAX);
    ok(metrics_text_render(&snapshot, "1.2", &text), "rendered");
    buffer_append(&text, "", 1);
    return text.data;
}

static void has(const char *text, const char *line)
{
    ok(strstr(text, line) != NULL, "%.*s", (int)strcspn(line, "\n"), line);
}

static void test_metrics(void)
{
    add("sessions_ended{process=milter,class=bot,end=hung-up}", "12");
    add("sessions_ended{process=milter,class=bot,end=hung-up}", "30");
    add("sessions_ended{process=milter,class=bot,end=mail}", "-1");
    add("sessions_ended{process=milter,class=bot,end=silent}", "x");
    add("first_verdict_us{process=milter,class=good,bucket=50}", "3");
    add("first_verdict_us{process=milter,class=good,bucket=inf}", "1");
    add("first_verdict_us_sum{process=milter,class=good}", "1500000");
    add("slot_time_ms{process=milter,class=good}", "2500");
    add("pressure_now_permille{process=milter,service=smtp}", "800");
    add("requests{process=policyd,server=policy}", "99");
    const char *text = render();
    has(text, "postvalve_build_info{version=\"1.2\"} 1\n");
    has(text, "postvalve_counters_known{process=\"milter\"} 1\n");
    has(text, "postvalve_counters_known{process=\"policyd\"} 0\n");
    has(text, "# TYPE postvalve_sessions_ended_total counter\n");
    has(text, "\npostvalve_sessions_ended_total{process=\"milter\",class=\"bot\",end=\"hung-"
              "up\"} 42\n");
    has(text, "\npostvalve_slot_time_seconds_total{process=\"milter\",class=\"good\"} 2.5\n");
    has(text, "\npostvalve_pressure_now_ratio{process=\"milter\",service=\"smtp\"} 0.8\n");
    has(text, "\npostvalve_first_verdict_seconds_bucket{process=\"milter\",class=\"good\",le=\""
              "2e-05\"} 0\n");
    has(text,
        "\npostvalve_first_verdict_seconds_bucket{process=\"milter\",class=\"good\",le=\"1\""
        "} 3\n");
    has(text, "\npostvalve_first_verdict_seconds_bucket{process=\"milter\",class=\"good\",le=\""
              "+Inf\"} 4\n");
    has(text, "\npostvalve_first_verdict_seconds_sum{process=\"milter\",class=\"good\"} 1.5\n");
    has(text, "\npostvalve_first_verdict_seconds_count{process=\"milter\",class=\"good\"} 4\n");
    ok(!strstr(text, "end=\"mail\"") && !strstr(text, "end=\"silent\""), "no nonsense");
    ok(!strstr(text, "\npostvalve_requests_total"), "nothing of the process that is skipped");
    struct buffer small = BUFFER_WITH_MAXIMUM(1000);
    ok(!metrics_text_render(&snapshot, "1.2", &small) && small.length <= 1000,
       "a text that is too long is cut");
    buffer_free(&small);
}

int main(void)
{
    test_round_trip();
    test_refused();
    test_metrics();
    return done_testing();
}
