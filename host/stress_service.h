/*
 * stress_service - one service of a stress_monitor: its sensors, its stress condition, the
 * level that counts. For stress_monitor.c alone, which locks.
 */
#ifndef POSTVALVE_HOST_STRESS_SERVICE_H
#define POSTVALVE_HOST_STRESS_SERVICE_H

#include "common/config.h"
#include "common/host_state.h"
#include "common/level_event.h"
#include "common/stress.h"
#include "host/file_watch.h"
#include "host/port_sensor.h"
#include "host/session_watch.h"
#include "host/slot_limit.h"

#include <stdbool.h>
#include <stdint.h>

/* How sessions end is looked at so often: it costs as much as four countings. */
#define STRESS_SERVICE_SESSIONS_MS 2000
/* The sensors are read at least so often. */
#define STRESS_SERVICE_REST_MS 250
/* Postfix that could not say the slot limit is asked again. */
#define STRESS_SERVICE_LIMIT_AGAIN_MS 60000

/* As last logged. */
enum sight { SIGHT_NEW, SIGHT_WORKS, SIGHT_BLIND };

/* What a look at Postfix's processes says of its own stress flag. */
enum stress_processes {
    STRESS_PROCESSES_UNSEEN,
    STRESS_PROCESSES_CALM,
    STRESS_PROCESSES_STRESSED
};

/* Guarded by the two locks of the monitor: asking and mutex. */
struct stress_service {
    /* Written with both held, read with either. */
    struct service_settings settings; /* its texts are ours */
    struct sensor_settings sensor_settings;
    bool has_limit;
    struct slot_limit limit;

    /* Asking. */
    struct port_sensor *sensor;
    struct session_watch *sessions; /* NULL: not looked at yet */
    int64_t sessions_ms;            /* when they were */
    struct error limit_trouble;     /* as last logged */
    bool wants_limit;               /* Postfix is to be asked */
    int64_t limit_asked_ms;         /* 0: never */
    struct file_watch main_cf, master_cf;
    int64_t counted_ms;     /* when connections were last counted; 0: never */
    int64_t opened_counted; /* connections that had come to this host then; -1: not known */
    int64_t drops;          /* -1: not known */
    enum sight sight;
    bool is_estimating_logged, is_proc_logged;

    /* Mutex. */
    struct stress stress;
    enum level level; /* the one that counts */
    enum level_source level_source;
    int64_t level_since_ms;
    bool is_measured;          /* once at least */
    struct stress_input input; /* as last measured, or told */
    int64_t updated_ms;
    int exact_busy;       /* as last told; -1: the kernel counts */
    int before_us;        /* busy slots that the exact count never had; -1: not looked yet */
    int64_t before_us_ms; /* when that was looked at first */
    int unexplained;      /* as of the last look */
};

/* What is measured of a service. */
struct stress_measurement {
    int exact_busy;        /* negative: the kernel counts */
    bool is_kernel_wanted; /* even so */
    struct stress_input input;
    int kernel_busy; /* -1: not asked for, or not known */
};

/* What is looked at once a second. */
struct stress_glance {
    enum stress_processes processes;
    bool has_sessions; /* the next is known */
    int ended[SESSION_ENDING_COUNT];
};

/* settings is copied. */
struct stress_service *stress_service_create(const struct service_settings *settings,
                                             const struct sensor_settings *sensor_settings,
                                             int64_t now_ms);
void stress_service_free(struct stress_service *service);
/* New settings for the same port. */
void stress_service_configure(struct stress_service *service,
                              const struct service_settings *settings,
                              const struct sensor_settings *sensor_settings);

void service_settings_copy(struct service_settings *copy, const struct service_settings *from);
void service_settings_release(struct service_settings *settings);

/* The answer to slot_limit_describe(); NULL, and an error: there was none. */
void stress_service_set_limit(struct stress_service *service, const struct slot_limit *limit,
                              const struct error *error);
/* At once, of a spawned process. It does not run postconf where the publisher said the limit
 * (0: nobody did): hundreds of them start together when the load rises. */
void stress_service_find_limit(struct stress_service *service, int published, int64_t now_ms);
/* Once a second: whether Postfix is to be asked for the slot limit now. */
bool stress_service_needs_limit(struct stress_service *service, int64_t now_ms);
/* It is being asked. */
void stress_service_note_asked(struct stress_service *service, int64_t now_ms);

/* Asks; of taken the first two are set. */
void stress_service_measure(struct stress_service *service, struct stress_measurement *taken,
                            enum port_age age, int64_t now_ms);
/* Feeds the stress condition with what was measured. */
void stress_service_take(struct stress_service *service, const struct stress_measurement *taken,
                         int64_t now_ms);
/* Feeds it with a new count. */
void stress_service_take_exact(struct stress_service *service, int exact_busy, int64_t now_ms);
/* Asking; after each measurement. opened: connections that came to this host, asked before it;
 * -1: not known.
 */
void stress_service_note_reading(struct stress_service *service, int64_t opened);
/* Both locks. Whether it matters how it is right now: connections have come since they were
 * counted, slots are filled, or the level is not calm. */
bool stress_service_is_moving(const struct stress_service *service, int64_t opened);
/* Whether connections are to be counted though nothing moves. */
bool stress_service_is_at_rest(const struct stress_service *service, int64_t now_ms);
/* Asks, once a second. */
void stress_service_glance(struct stress_service *service, bool is_session_wanted,
                           int64_t now_ms, struct stress_glance *glance_r);
void stress_service_take_glance(struct stress_service *service,
                                const struct stress_glance *glance, int64_t now_ms);

/* Logs a change of the level that counts, and fills change_r. */
void stress_service_tell_change(const struct stress_service *service, enum level before,
                                struct level_change *change_r);
/* What to publish of it. */
void stress_service_describe(const struct stress_service *service, int64_t now_ms,
                             struct service_state *state_r);

/* As stress_next_change_ms(). */
int64_t stress_service_next_change_ms(const struct stress_service *service);

#endif
