/*
 * cluster - what the other hosts tell, in a few numbers, and what that may do to our level.
 *
 * Each host acts on its own pressure. The word of others raises our level to elevated at most,
 * only where that is configured, and only when at least two hosts that we hear now say the
 * same: a host that is dead or lies pins nobody. Pure.
 */
#ifndef POSTVALVE_COMMON_CLUSTER_H
#define POSTVALVE_COMMON_CLUSTER_H

#include "common/level.h"
#include "common/override.h"
#include "common/service_state.h"

#include <stdbool.h>
#include <stdint.h>

struct host_state; /* common/host_state.h */

enum cluster_follow { CLUSTER_FOLLOW_OFF, CLUSTER_FOLLOW_ELEVATED, CLUSTER_FOLLOW_COUNT };

struct cluster_settings {
    enum cluster_follow follow;
    double follow_share; /* of the other hosts, that are stressed */
};

/* Of the other hosts, those that we hear. Start value: all zero. */
struct cluster_summary {
    int hosts;
    int stressed; /* stressed or critical */
    enum level highest;
    double highest_pressure;
};

/* Adds the record of another host; one that is older than its lease does not count: false. */
bool cluster_add(struct cluster_summary *summary, const struct host_state *state,
                 int64_t redis_now_ms);
/* Below this our level may not be. */
enum level cluster_floor(const struct cluster_summary *summary,
                         const struct cluster_settings *settings);

/* What counts in the end: what an administrator forced, else our own level but not below the
 * floor. */
enum level cluster_effective_level(enum level own, enum level floor,
                                   const struct override_effect *effect,
                                   enum level_source *source_r);

#endif
