/*
 * counter_field - how a cell of a counter is called in Redis (doc/redis.md). Pure.
 *
 *   sessions_ended{process=milter,class=bot,end=hung-up}
 *   decision_us{process=policyd,bucket=500}     observations above the next lower bound, up to
 *   decision_us{process=policyd,bucket=inf}     this one: not cumulative
 *   decision_us_sum{process=policyd}
 */
#ifndef POSTVALVE_COMMON_COUNTER_FIELD_H
#define POSTVALVE_COMMON_COUNTER_FIELD_H

#include "common/counter.h"

#define COUNTER_FIELD_SIZE 512 /* with the terminating zero */

/* One cell, as counter_each_cell() visits it. */
struct counter_cell {
    enum counter counter;
    int index; /* in the set */
    unsigned labels[COUNTER_LABELS_MAX];
    int part; /* of a histogram: the bucket; one more than the last: the sum. Else 0 */
};

/* The first cell of the table (before: zeroed, index -1) or the next one; false: none. */
#define COUNTER_CELL_BEGIN ((struct counter_cell){.index = -1})
bool counter_cell_next(struct counter_cell *cell);

struct counter_cell counter_cell_at(int index);

/* Returns the length. set: for the names of dynamic labels. */
size_t counter_field_format(const struct counter_set *set, const struct counter_cell *cell,
                            enum counter_process process, char out[static COUNTER_FIELD_SIZE]);

/* The cell of a field's name, -1: none of ours. Names of dynamic labels are looked up in
 * sets[process], and added. */
int counter_field_parse(struct slice field, struct counter_set *sets[COUNTER_PROCESS_COUNT],
                        enum counter_process *process_r);

#endif
