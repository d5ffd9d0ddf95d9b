/*
 * report - what the groups counted, as JSON: a line a second, and one at the end.
 *
 * {"second":3,"groups":[{"name":"good","kind":"good","waiting":0,...,"banner_ms":{...}}]}
 * {"summary":{"seconds":30.0,"groups":[{...,"in_time":{...},"delivery_ms":{...}}]}}
 *
 * In a line a second the counters are those of that second, in the summary those of the run.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_REPORT_H
#define POSTVALVE_T_BENCH_FLOOD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct flood;

/* Prints what the last second brought, and starts the next. False: the output is broken. */
bool report_second(struct flood *flood, FILE *out);
bool report_summary(const struct flood *flood, FILE *out);
void report_print_help(FILE *out);

#endif
