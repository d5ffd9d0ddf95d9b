/*
 * stress_outside - what a stress_monitor is told: what an administrator forced, what other
 * hosts say, what the publisher of this host measured. For stress_monitor.c alone, which locks.
 */
#ifndef POSTVALVE_HOST_STRESS_OUTSIDE_H
#define POSTVALVE_HOST_STRESS_OUTSIDE_H

#include "common/cluster.h"
#include "common/host_state.h"
#include "common/override.h"

#include <stdbool.h>
#include <stdint.h>

/* Start value: all zero. */
struct stress_outside {
    struct override_effect override;
    int64_t level_until_ms, off_until_ms; /* our clock */
    struct cluster_settings cluster_settings;
    struct cluster_summary cluster;
    int64_t cluster_ms; /* 0: never heard */
    bool has_published;
    struct host_state published;
};

/* redis_now_ms as for stress_monitor_set_override(). */
void stress_outside_set_override(struct stress_outside *outside,
                                 const struct override_effect *effect, int64_t redis_now_ms,
                                 int64_t now_ms);
bool stress_outside_is_off(const struct stress_outside *outside, int64_t now_ms);

/* What the publisher says of a service; NULL: nobody does. */
const struct service_state *stress_outside_service(const struct stress_outside *outside,
                                                   const char *name);
/* The level that counts. own: of our sensors. */
enum level stress_outside_settle(const struct stress_outside *outside, const char *name,
                                 enum level own, int64_t now_ms, enum level_source *source_r);

#endif
