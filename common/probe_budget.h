/*
 * probe_budget - how many probes may come to nothing, for clients nobody knows: what keeps a
 * dictionary attack from the next hop. Pure.
 *
 * Two buckets of a minute's worth: one for anybody, one for clients that come back with the
 * same address after a while. A probe takes from its bucket; when it found a deliverable
 * address the probe is given back, so that only those who guess are met. What could not be
 * found out is given back too.
 */
#ifndef POSTVALVE_COMMON_PROBE_BUDGET_H
#define POSTVALVE_COMMON_PROBE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum probe_bucket { PROBE_OF_ANYBODY, PROBE_OF_RETURNING, PROBE_BUCKET_COUNT };

struct probe_budget {
    double left[PROBE_BUCKET_COUNT];
    int64_t filled_ms; /* monotonic; 0: never */
};

/* per_minute 0: any number. */
bool probe_budget_has(struct probe_budget *budget, enum probe_bucket bucket, int64_t per_minute,
                      int64_t now_ms);
void probe_budget_take(struct probe_budget *budget, enum probe_bucket bucket);
void probe_budget_give_back(struct probe_budget *budget, enum probe_bucket bucket,
                            int64_t per_minute);

#endif
