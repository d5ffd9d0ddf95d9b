#include "host/stress_monitor.h"

#include "common/memory.h"
#include "host/listen_drops.h"
#include "host/log.h"
#include "host/stress_limits.h"
#include "host/stress_outside.h"
#include "host/stress_service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000

/* Two locks: asking is held while the kernel or /proc is asked, mutex for a moment only. Who
 * needs both takes asking first. */
struct stress_monitor {
    enum stress_monitor_mode mode;
    pthread_mutex_t asking, mutex;
    /* Written with both held, read with either. */
    struct stress_service *services[SERVICES_MAX];
    size_t count;

    /* Asking. */
    struct stress_limits *limits; /* NULL: Postfix is not being asked */
    struct socket_counters *counters;
    int64_t overflows;       /* -1: not known */
    int64_t opened;          /* connections that came to this host; -1: not known */
    int64_t opened_asked_ms; /* when that was asked; 0: never */
    int64_t second_ms; /* when what is done once a second was done; 0: is to be done now */

    /* Mutex. */
    struct stress_outside outside;
    struct level_change_queue changes;
};

static void lock_both(struct stress_monitor *monitor)
{
    pthread_mutex_lock(&monitor->asking);
    pthread_mutex_lock(&monitor->mutex);
}

static void unlock_both(struct stress_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->mutex);
    pthread_mutex_unlock(&monitor->asking);
}

/* Slot limits; asking */

static void take_limits(struct stress_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    stress_limits_hand_out(monitor->limits, monitor->services, monitor->count);
    pthread_mutex_unlock(&monitor->mutex);
    stress_limits_free(monitor->limits);
    monitor->limits = NULL;
}

/* Does not block: one of the next ticks takes the answer. */
static void refresh_limits(struct stress_monitor *monitor, int64_t now_ms)
{
    if (monitor->limits)
        return;
    monitor->limits = stress_limits_create(monitor->services, monitor->count, now_ms);
    if (monitor->limits)
        stress_limits_start(monitor->limits);
}

/* Services */

static struct stress_service *find_service(const struct stress_monitor *monitor, int64_t port)
{
    for (size_t i = 0; i < monitor->count; i++)
        if (monitor->services[i] && monitor->services[i]->settings.port == port)
            return monitor->services[i];
    return NULL;
}

static void configure(struct stress_monitor *monitor, const struct config *config,
                      int64_t now_ms)
{
    struct stress_service *services[SERVICES_MAX];
    size_t count =
        config->services.count < SERVICES_MAX ? config->services.count : SERVICES_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct service_settings *settings = &config->services.items[i];
        services[i] = find_service(monitor, settings->port);
        if (!services[i]) {
            services[i] = stress_service_create(settings, &config->sensor, now_ms);
            continue;
        }
        stress_service_configure(services[i], settings, &config->sensor);
        for (size_t j = 0; j < monitor->count; j++)
            if (monitor->services[j] == services[i])
                monitor->services[j] = NULL;
    }
    for (size_t i = 0; i < monitor->count; i++)
        if (monitor->services[i])
            stress_service_free(monitor->services[i]);
    memcpy(monitor->services, services, count * sizeof(services[0]));
    monitor->count = count;
    monitor->outside.cluster_settings = config->cluster;
}

struct stress_monitor *stress_monitor_open(const struct config *config,
                                           enum stress_monitor_mode mode, int64_t now_ms)
{
    struct stress_monitor *monitor = memory_allocate(1, sizeof(*monitor));
    pthread_mutex_init(&monitor->asking, NULL);
    pthread_mutex_init(&monitor->mutex, NULL);
    monitor->mode = mode;
    monitor->overflows = monitor->opened = -1;
    configure(monitor, config, now_ms);
    if (mode == STRESS_MONITOR_SPAWNED)
        return monitor;
    monitor->counters = socket_counters_open();
    monitor->limits = stress_limits_create(monitor->services, monitor->count, now_ms);
    if (monitor->limits) {
        stress_limits_run(monitor->limits);
        take_limits(monitor);
    }
    return monitor;
}

void stress_monitor_close(struct stress_monitor *monitor)
{
    if (!monitor)
        return;
    stress_limits_free(monitor->limits);
    for (size_t i = 0; i < monitor->count; i++)
        stress_service_free(monitor->services[i]);
    socket_counters_close(monitor->counters);
    pthread_mutex_destroy(&monitor->mutex);
    pthread_mutex_destroy(&monitor->asking);
    free(monitor);
}

void stress_monitor_reload(struct stress_monitor *monitor, const struct config *config,
                           int64_t now_ms)
{
    lock_both(monitor);
    configure(monitor, config, now_ms);
    monitor->second_ms = 0;
    unlock_both(monitor);
}

size_t stress_monitor_service_count(struct stress_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    size_t count = monitor->count;
    pthread_mutex_unlock(&monitor->mutex);
    return count;
}

size_t stress_monitor_find(struct stress_monitor *monitor, int port)
{
    size_t found = STRESS_MONITOR_NO_SERVICE;
    pthread_mutex_lock(&monitor->mutex);
    for (size_t i = 0; i < monitor->count; i++)
        if (monitor->services[i]->settings.port == port)
            found = i;
    pthread_mutex_unlock(&monitor->mutex);
    return found;
}

/* The level that counts; mutex */

static void settle_level(struct stress_monitor *monitor, struct stress_service *service,
                         int64_t now_ms)
{
    enum level before = service->level;
    service->level =
        stress_outside_settle(&monitor->outside, service->settings.name,
                              service->stress.tracker.level, now_ms, &service->level_source);
    if (service->level == before)
        return;
    service->level_since_ms = now_ms;
    if (monitor->mode == STRESS_MONITOR_SPAWNED)
        return;
    struct level_change change;
    stress_service_tell_change(service, before, &change);
    level_change_push(&monitor->changes, &change);
}

static void settle_all(struct stress_monitor *monitor, int64_t now_ms)
{
    for (size_t i = 0; i < monitor->count; i++)
        settle_level(monitor, monitor->services[i], now_ms);
}

/* Readings; asking */

static void read_overflows(struct stress_monitor *monitor)
{
    struct listen_drops drops;
    if (monitor->counters)
        monitor->overflows =
            socket_counters_read_drops(monitor->counters, &drops) ? drops.overflows : -1;
}

static void read_opened(struct stress_monitor *monitor, int64_t now_ms)
{
    if (monitor->opened_asked_ms != 0 &&
        now_ms - monitor->opened_asked_ms < PORT_SENSOR_KEEP_MIN_MS)
        return;
    monitor->opened_asked_ms = now_ms;
    if (!monitor->counters || !socket_counters_read_opened(monitor->counters, &monitor->opened))
        monitor->opened = -1;
}

static void measure(struct stress_monitor *monitor, struct stress_service *service,
                    struct stress_measurement *taken, enum port_age age, int64_t now_ms)
{
    int64_t drops_before = service->drops;
    stress_service_measure(service, taken, age, now_ms);
    stress_service_note_reading(service, monitor->opened);
    service->drops = taken->input.drops;
    if (service->drops > drops_before && drops_before >= 0)
        read_overflows(monitor);
    taken->input.overflows = monitor->overflows;
    pthread_mutex_lock(&monitor->mutex);
    stress_service_take(service, taken, now_ms);
    settle_level(monitor, service, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

static void tick_service(struct stress_monitor *monitor, struct stress_service *service,
                         int busy, int64_t now_ms)
{
    struct port_reading reading;
    struct error error;
    pthread_mutex_lock(&monitor->mutex);
    bool is_wanted = busy >= 0 && service->before_us != 0;
    struct stress_measurement taken = {.exact_busy = busy, .is_kernel_wanted = is_wanted};
    bool is_moving = is_wanted || stress_service_is_moving(service, monitor->opened);
    settle_level(monitor, service, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
    bool is_due = busy >= 0 || is_moving || stress_service_is_at_rest(service, now_ms);
    if (!is_due) /* who waits is asked for at each tick: it costs next to nothing */
        is_due = !port_sensor_read_queue(service->sensor, now_ms, &reading, &error) ||
                 reading.waiting > 0;
    if (is_due)
        measure(monitor, service, &taken, is_moving ? PORT_AGE_NEW : PORT_AGE_KEPT, now_ms);
}

/* busy, as for the tick: who counts sessions says how they end. */
static void do_each_second(struct stress_monitor *monitor, const int *busy, int64_t now_ms)
{
    if (monitor->second_ms != 0 && now_ms - monitor->second_ms < SECOND_MS)
        return;
    monitor->second_ms = now_ms;
    read_overflows(monitor);
    refresh_limits(monitor, now_ms);
    for (size_t i = 0; i < monitor->count; i++) {
        struct stress_glance glance;
        stress_service_glance(monitor->services[i], !busy || busy[i] < 0, now_ms, &glance);
        pthread_mutex_lock(&monitor->mutex);
        stress_service_take_glance(monitor->services[i], &glance, now_ms);
        pthread_mutex_unlock(&monitor->mutex);
    }
}

/* A level that is about to rise should do so at its time, not at the tick after. */
static int64_t next_tick_ms(struct stress_monitor *monitor, int64_t now_ms)
{
    int64_t next_ms = STRESS_MONITOR_TICK_MS;
    pthread_mutex_lock(&monitor->mutex);
    for (size_t i = 0; i < monitor->count; i++) {
        int64_t at_ms = stress_service_next_change_ms(monitor->services[i]);
        if (at_ms > now_ms && at_ms - now_ms < next_ms)
            next_ms = at_ms - now_ms;
    }
    pthread_mutex_unlock(&monitor->mutex);
    return next_ms;
}

int64_t stress_monitor_tick(struct stress_monitor *monitor, const int *busy, int64_t now_ms)
{
    pthread_mutex_lock(&monitor->asking);
    read_opened(monitor, now_ms);
    if (monitor->limits && stress_limits_is_done(monitor->limits))
        take_limits(monitor);
    do_each_second(monitor, busy, now_ms);
    for (size_t i = 0; i < monitor->count; i++)
        tick_service(monitor, monitor->services[i], busy ? busy[i] : -1, now_ms);
    int64_t next_ms = next_tick_ms(monitor, now_ms);
    pthread_mutex_unlock(&monitor->asking);
    return next_ms;
}

/* A spawned process has one thread. */
static void find_limit_lazily(struct stress_monitor *monitor, struct stress_service *service,
                              int64_t now_ms)
{
    const struct service_state *published =
        stress_outside_service(&monitor->outside, service->settings.name);
    if (monitor->mode == STRESS_MONITOR_SPAWNED && !service->has_limit)
        stress_service_find_limit(service, published ? published->slot_limit : 0, now_ms);
}

/* For who does not count himself. A request is decided on by what there is at its moment: while
 * connections come it is not one that is kept. */
static void ask_kernel(struct stress_monitor *monitor, size_t index, int64_t now_ms)
{
    struct stress_measurement taken = {.exact_busy = -1};
    pthread_mutex_lock(&monitor->asking);
    if (index < monitor->count) {
        struct stress_service *service = monitor->services[index];
        find_limit_lazily(monitor, service, now_ms);
        if (monitor->counters)
            read_opened(monitor, now_ms);
        pthread_mutex_lock(&monitor->mutex);
        bool is_moving = monitor->mode == STRESS_MONITOR_DAEMON &&
                         stress_service_is_moving(service, monitor->opened);
        pthread_mutex_unlock(&monitor->mutex);
        measure(monitor, service, &taken, is_moving ? PORT_AGE_NEW : PORT_AGE_KEPT, now_ms);
    }
    pthread_mutex_unlock(&monitor->asking);
}

static void note_flag_up(struct stress_monitor *monitor, size_t index, int64_t now_ms)
{
    pthread_mutex_lock(&monitor->mutex);
    if (index < monitor->count)
        stress_note_flag_up(&monitor->services[index]->stress, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

/* For who does not count himself: what the publisher measured, if it did. */
static bool take_told(struct stress_monitor *monitor, size_t index, bool is_postfix_stressed,
                      struct pressure *pressure_r)
{
    bool is_told = false;
    pthread_mutex_lock(&monitor->mutex);
    if (index < monitor->count) {
        const struct service_state *published =
            stress_outside_service(&monitor->outside, monitor->services[index]->settings.name);
        is_told = published && service_state_pressure(published, pressure_r);
        if (is_told) /* it has judged the flag that it knows of */
            pressure_r->is_postfix_stressed =
                is_postfix_stressed && !published->is_postfix_stressed;
    }
    pthread_mutex_unlock(&monitor->mutex);
    return is_told;
}

/* Mutex. */
static void fill_reading(struct stress_monitor *monitor, struct stress_service *service,
                         const struct pressure *pressure, int64_t now_ms,
                         struct stress_reading *reading_r)
{
    settle_level(monitor, service, now_ms);
    reading_r->pressure = *pressure;
    reading_r->level = service->level;
    reading_r->own_level = service->stress.tracker.level;
    reading_r->source = service->level_source;
    reading_r->is_level_forced = service->level_source == LEVEL_BY_OVERRIDE;
}

void stress_monitor_read(struct stress_monitor *monitor, size_t index, int exact_busy,
                         bool is_postfix_stressed, int64_t now_ms,
                         struct stress_reading *reading_r)
{
    struct pressure told;
    bool is_exact = exact_busy >= 0;
    *reading_r = (struct stress_reading){.pressure.driver = SENSOR_NONE};
    if (is_postfix_stressed)
        note_flag_up(monitor, index, now_ms);
    bool is_told = !is_exact && take_told(monitor, index, is_postfix_stressed, &told);
    if (!is_exact && !is_told)
        ask_kernel(monitor, index, now_ms);
    pthread_mutex_lock(&monitor->mutex);
    reading_r->is_off = stress_outside_is_off(&monitor->outside, now_ms);
    if (index < monitor->count) {
        struct stress_service *service = monitor->services[index];
        if (is_exact)
            stress_service_take_exact(service, exact_busy, now_ms);
        fill_reading(monitor, service, is_told ? &told : &service->stress.pressure, now_ms,
                     reading_r);
    }
    pthread_mutex_unlock(&monitor->mutex);
}

void stress_monitor_add_sessions(struct stress_monitor *monitor, size_t index, int change)
{
    pthread_mutex_lock(&monitor->asking);
    /* A spawned process has one session at a time: the one before had this slot. */
    if (index < monitor->count && monitor->mode == STRESS_MONITOR_DAEMON)
        port_sensor_add_sessions(monitor->services[index]->sensor, change);
    pthread_mutex_unlock(&monitor->asking);
}

void stress_monitor_note_session_end(struct stress_monitor *monitor, size_t index,
                                     enum session_ending ending, int64_t now_ms)
{
    pthread_mutex_lock(&monitor->mutex);
    if (index < monitor->count)
        stress_note_session_end(&monitor->services[index]->stress, ending, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

void stress_monitor_note_turned_away(struct stress_monitor *monitor, size_t index,
                                     int64_t now_ms)
{
    pthread_mutex_lock(&monitor->mutex);
    struct stress_service *service = index < monitor->count ? monitor->services[index] : NULL;
    if (service)
        stress_note_turned_away(&service->stress, &service->settings.level, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

/* What others say */

void stress_monitor_set_override(struct stress_monitor *monitor,
                                 const struct override_effect *effect, int64_t redis_now_ms,
                                 int64_t now_ms)
{
    pthread_mutex_lock(&monitor->mutex);
    stress_outside_set_override(&monitor->outside, effect, redis_now_ms, now_ms);
    settle_all(monitor, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

void stress_monitor_set_cluster(struct stress_monitor *monitor,
                                const struct cluster_summary *summary, int64_t now_ms)
{
    pthread_mutex_lock(&monitor->mutex);
    monitor->outside.cluster = *summary;
    monitor->outside.cluster_ms = now_ms;
    settle_all(monitor, now_ms);
    pthread_mutex_unlock(&monitor->mutex);
}

void stress_monitor_set_published(struct stress_monitor *monitor,
                                  const struct host_state *state)
{
    pthread_mutex_lock(&monitor->mutex);
    monitor->outside.has_published = state != NULL;
    if (state)
        monitor->outside.published = *state;
    pthread_mutex_unlock(&monitor->mutex);
}

/* What we say */

void stress_monitor_describe(struct stress_monitor *monitor, int64_t now_ms,
                             struct host_state *state_r)
{
    *state_r = (struct host_state){.service_count = 0};
    pthread_mutex_lock(&monitor->mutex);
    state_r->is_off = stress_outside_is_off(&monitor->outside, now_ms);
    state_r->service_count = monitor->count;
    for (size_t i = 0; i < monitor->count; i++)
        stress_service_describe(monitor->services[i], now_ms, &state_r->services[i]);
    pthread_mutex_unlock(&monitor->mutex);
}

bool stress_monitor_sensors(struct stress_monitor *monitor, size_t index,
                            struct sensor_values *values_r, double called_r[SENSOR_COUNT])
{
    pthread_mutex_lock(&monitor->mutex);
    bool is_there = index < monitor->count;
    if (is_there) {
        *values_r = monitor->services[index]->stress.values;
        memcpy(called_r, monitor->services[index]->stress.called,
               SENSOR_COUNT * sizeof(called_r[0]));
    }
    pthread_mutex_unlock(&monitor->mutex);
    return is_there;
}

bool stress_monitor_next_change(struct stress_monitor *monitor, struct level_change *change_r)
{
    pthread_mutex_lock(&monitor->mutex);
    bool is_there = level_change_pop(&monitor->changes, change_r);
    pthread_mutex_unlock(&monitor->mutex);
    return is_there;
}
