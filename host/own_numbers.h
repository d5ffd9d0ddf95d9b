/*
 * own_numbers - what a process counts of itself and of its host once a second: processor time,
 * memory, descriptors, the level. One thread.
 */
#ifndef POSTVALVE_HOST_OWN_NUMBERS_H
#define POSTVALVE_HOST_OWN_NUMBERS_H

#include "common/host_state.h"

#include <stdbool.h>
#include <stdint.h>

struct own_numbers {
    int64_t cpu_ms[2];   /* counted so far */
    int64_t level_at_ms; /* up to when time at a level is counted; 0: not yet */
    int64_t files_at_ms; /* when descriptors are counted next */
    int64_t start_s;     /* 0: not known yet */
};

/* Processor time alone: of a spawned process. */
void own_numbers_count_cpu(struct own_numbers *own);
/* All; state: the services. now_ms: monotonic. */
void own_numbers_count(struct own_numbers *own, const struct host_state *state, int64_t now_ms);

#endif
