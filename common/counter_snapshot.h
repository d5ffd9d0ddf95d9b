/*
 * counter_snapshot - counters of all processes of a host as of one moment, to be shown: from
 * Redis, and from the process itself. Pure. Large: it belongs on the heap.
 */
#ifndef POSTVALVE_COMMON_COUNTER_SNAPSHOT_H
#define POSTVALVE_COMMON_COUNTER_SNAPSHOT_H

#include "common/counter.h"
#include "common/redis_command.h"

#include <stdbool.h>

struct counter_snapshot {
    struct counter_set sets[COUNTER_PROCESS_COUNT];
    bool is_known[COUNTER_PROCESS_COUNT]; /* something of this kind of process is there */
};

/* Adds a field of PREFIXtotal, PREFIXstats or PREFIXgauge; of those of one kind of process
 * (skipped; COUNTER_PROCESS_COUNT: none) nothing is taken. Others are none of ours: ignored. */
void counter_snapshot_add(struct counter_snapshot *snapshot, const struct redis_field *field,
                          enum counter_process skipped);
/* The counters of this process; in place of what is there. */
void counter_snapshot_set(struct counter_snapshot *snapshot, enum counter_process process,
                          const struct counter_set *set);

#endif
