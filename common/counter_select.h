/*
 * counter_select - questions to a snapshot of counters: how many of these, over all label
 * values that are not asked for. Pure.
 */
#ifndef POSTVALVE_COMMON_COUNTER_SELECT_H
#define POSTVALVE_COMMON_COUNTER_SELECT_H

#include "common/counter_snapshot.h"

/* Which numbers: COUNTER_ANY, or a value of the label at this place of the row. */
struct counter_selection {
    enum counter counter;
    unsigned process; /* enum counter_process, or COUNTER_ANY */
    unsigned labels[COUNTER_LABELS_MAX];
};

/* COUNTER_SELECT(HANG_UPS, COUNTER_ANY, CLASS_BOT, COUNTER_ANY); each label needs its value. */
#define COUNTER_SELECT(symbol, process, ...)                                                   \
    ((struct counter_selection){COUNTER_##symbol, (process), {__VA_ARGS__}})

/* Of a sum: what was counted. Of a histogram: how many observations. */
int64_t counter_select_sum(const struct counter_snapshot *snapshot,
                           struct counter_selection selection);
/* The bound of the bucket below which that share of the observations of a histogram lies, in
 * the unit of the counter; INT64_MAX: above the last bound; -1: there are none. */
int64_t counter_select_quantile(const struct counter_snapshot *snapshot,
                                struct counter_selection selection, double share);

#endif
