/*
 * metrics_text - counters in the text format of Prometheus (version 0.0.4). Pure.
 *
 *   postvalve_sessions_ended_total{process="milter",class="bot",end="hung-up"} 12
 *
 * Names and units by Prometheus' conventions: base units, "_total" for what only grows,
 * histograms with cumulative buckets. A label "process" says which process counted. Of counters
 * with many combinations of label values only those that are not zero are shown.
 */
#ifndef POSTVALVE_COMMON_METRICS_TEXT_H
#define POSTVALVE_COMMON_METRICS_TEXT_H

#include "common/buffer.h"
#include "common/counter_snapshot.h"

#define METRICS_TEXT_MAX          (4 * 1024 * 1024)
#define METRICS_TEXT_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_NAME_SIZE         128

/* version: of the program. False: the text outgrew out->maximum and is cut. */
bool metrics_text_render(const struct counter_snapshot *snapshot, const char *version,
                         struct buffer *out);
/* "postvalve_sessions_ended_total". */
void metrics_text_name(enum counter counter, char out[static METRICS_NAME_SIZE]);

#endif
