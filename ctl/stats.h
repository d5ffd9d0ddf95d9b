/*
 * stats - counters as text, as JSON, and what there is to count.
 */
#ifndef POSTVALVE_CTL_STATS_H
#define POSTVALVE_CTL_STATS_H

#include "common/counter_snapshot.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* What is not zero, a line each. */
void stats_print(const struct counter_snapshot *snapshot, FILE *out);
/* minutes: that were added up; 0: all. A new reference. */
json_t *stats_json(const struct counter_snapshot *snapshot, const char *host, int64_t minutes);
/* The tables of doc/metrics.md. */
void stats_describe(FILE *out);

#endif
