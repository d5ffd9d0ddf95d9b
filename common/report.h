/*
 * report - a page on a stretch of time: what stress there was, what was done, who was affected,
 * and what to change. Pure.
 *
 * The words are made here, line by line, for whoever prints them. To add a piece of advice: a
 * row in report_advice.c and one in its test.
 */
#ifndef POSTVALVE_COMMON_REPORT_H
#define POSTVALVE_COMMON_REPORT_H

#include "common/counter_snapshot.h"
#include "common/decide.h"
#include "common/service_state.h"

#include <stdbool.h>
#include <stdint.h>

#define REPORT_SERVICES_MAX 16

struct report_facts {
    const char *host;
    int64_t seconds; /* that the report is about, up to now */
    const struct counter_snapshot *counters;
    enum mode mode; /* of the configuration */
    bool is_reclaim_enabled;
    struct report_events {    /* of that time */
        int64_t stress_count; /* how often a service became stressed or worse */
        int64_t stress_longest_s;
        int64_t history_cap_count;
        struct report_episode { /* that is not over */
            char service[SERVICE_NAME_SIZE];
            int64_t since_s;
        } open[REPORT_SERVICES_MAX];
    } events;
};

enum report_part {
    REPORT_TITLE,
    REPORT_HEADING,
    REPORT_FACT,   /* a label and its text */
    REPORT_COLUMN, /* a row of a table: its label, then REPORT_COLUMNS fields */
    REPORT_TEXT,   /* a sentence */
    REPORT_ADVICE, /* ... that asks for something */
};

/* An event of the host, in the order of time: to is the new level of the service. */
void report_add_level(struct report_events *events, const char *service, enum level to,
                      int64_t time_s);
/* What is not over yet lasts until now. */
void report_end_events(struct report_events *events, int64_t now_s);

#define REPORT_COLUMNS    6
#define REPORT_FIELD_SIZE 24
#define REPORT_TEXT_SIZE  400

struct report_line {
    enum report_part part;
    bool is_head; /* REPORT_COLUMN: of the table */
    char label[REPORT_FIELD_SIZE * 2];
    char text[REPORT_TEXT_SIZE];
    char fields[REPORT_COLUMNS][REPORT_FIELD_SIZE];
};

typedef void report_print(void *context, const struct report_line *line);

/* Printable ASCII, but for names of services and lists, which are as they were configured. */
void report_make(const struct report_facts *facts, report_print *print, void *context);

/* What both parts look at. */
struct report_numbers {
    int64_t sessions, hung_up, good_hung_up, observed, reclaimed, silent;
    double slot_s, slot_s_of[CLASS_COUNT];
    double stressed_share; /* of the time, of the service that was stressed longest */
};

/* For report.c: the advice alone. Returns how many there were. */
int report_advise(const struct report_facts *facts, const struct report_numbers *numbers,
                  report_print *print, void *context);

#endif
