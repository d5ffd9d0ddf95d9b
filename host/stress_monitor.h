/*
 * stress_monitor - the stress condition of this host: every configured service with its
 * sensors, its pressure and its level; what an administrator forced; what other hosts say.
 *
 * One for each process. A daemon ticks it, so that levels move when nobody asks, and reads it
 * with every request or session. Any thread; who counts slots himself never waits while another
 * thread asks the kernel (10 us to some milliseconds). Slot limits are asked of Postfix again
 * when its configuration files change, in a thread of its own.
 *
 * What nobody can measure is not known and holds nobody back: the monitor opens whatever the
 * state of Postfix is. Changes are logged here.
 */
#ifndef POSTVALVE_HOST_STRESS_MONITOR_H
#define POSTVALVE_HOST_STRESS_MONITOR_H

#include "common/cluster.h"
#include "common/config.h"
#include "common/host_state.h"
#include "common/level_event.h"
#include "common/override.h"
#include "common/sensor.h"
#include "common/stress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRESS_MONITOR_TICK_MS    50 /* at most, between two ticks */
#define STRESS_MONITOR_NO_SERVICE SIZE_MAX

struct stress_monitor;

enum stress_monitor_mode {
    STRESS_MONITOR_DAEMON,
    /* A process under spawn(8), one of hundreds: asks nothing of Postfix or the machine before
     * it is first read, nor as long as the host's publisher tells. */
    STRESS_MONITOR_SPAWNED
};

struct stress_reading {
    struct pressure pressure;
    enum level level;     /* the one that counts */
    enum level own_level; /* of our sensors alone */
    enum level_source source;
    bool is_level_forced; /* facts.is_level_forced */
    bool is_off;          /* facts.is_switched_off */
};

/* A daemon: blocks while Postfix is asked for the slot limits (some 20 ms for each service). */
struct stress_monitor *stress_monitor_open(const struct config *config,
                                           enum stress_monitor_mode mode, int64_t now_ms);
/* No other thread may use it any more; waits for its own. NULL is fine. */
void stress_monitor_close(struct stress_monitor *monitor);
/* Services that have the same port as before keep their levels. The indexes of services may
 * change. Does not block: new slot limits come with one of the next ticks. */
void stress_monitor_reload(struct stress_monitor *monitor, const struct config *config,
                           int64_t now_ms);

size_t stress_monitor_service_count(struct stress_monitor *monitor);
/* The service on this port; STRESS_MONITOR_NO_SERVICE: none, the session is not ours to decide
 * on. */
size_t stress_monitor_find(struct stress_monitor *monitor, int port);

/* busy: of each service, counted by the caller; negative, or NULL: the kernel counts. Returns
 * in how many ms the next tick is wanted. */
int64_t stress_monitor_tick(struct stress_monitor *monitor, const int *busy, int64_t now_ms);

/* exact_busy: slots that the caller knows to be busy, the asking session included; the rest is
 * as of the last tick. Negative: the kernel counts, or the publisher did. is_postfix_stressed:
 * the request, or the macro, says so. A service that there is not (any more) is calm and its
 * pressure not known. */
void stress_monitor_read(struct stress_monitor *monitor, size_t service, int exact_busy,
                         bool is_postfix_stressed, int64_t now_ms,
                         struct stress_reading *reading_r);
/* See host/port_sensor.h; for those who do not count themselves. */
void stress_monitor_add_sessions(struct stress_monitor *monitor, size_t service, int change);
/* Sessions that we hung up on do not count. */
void stress_monitor_note_session_end(struct stress_monitor *monitor, size_t service,
                                     enum session_ending ending, int64_t now_ms);

/* A client was hung up on because of the level. */
void stress_monitor_note_turned_away(struct stress_monitor *monitor, size_t service,
                                     int64_t now_ms);

/* As found in Redis, whose clock then said redis_now_ms: it ends by itself when its time is
 * over, Redis or not. redis_now_ms 0: until the next call. */
void stress_monitor_set_override(struct stress_monitor *monitor,
                                 const struct override_effect *effect, int64_t redis_now_ms,
                                 int64_t now_ms);
/* The other hosts; forgotten after HOST_STATE_LEASE_MS. */
void stress_monitor_set_cluster(struct stress_monitor *monitor,
                                const struct cluster_summary *summary, int64_t now_ms);
/* What another process measured and published of this host: it counts, numbers and levels,
 * until the next call. NULL: nobody does, or one who knows no better than we. */
void stress_monitor_set_published(struct stress_monitor *monitor,
                                  const struct host_state *state);

/* What to publish of this host; publisher, id and times are left to the lease. */
void stress_monitor_describe(struct stress_monitor *monitor, int64_t now_ms,
                             struct host_state *state_r);
/* The values of the sensors, and what each called for, as of the last reading. False: there is
 * no such service. */
bool stress_monitor_sensors(struct stress_monitor *monitor, size_t service,
                            struct sensor_values *values_r, double called_r[SENSOR_COUNT]);
/* The next change of a level that was not fetched yet, oldest first; false: none. At most
 * LEVEL_CHANGES_MAX wait, the oldest are dropped. */
bool stress_monitor_next_change(struct stress_monitor *monitor, struct level_change *change_r);

#endif
