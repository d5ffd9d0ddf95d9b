#include "policyd/stress_timer.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/stress_monitor.h"

#include <event2/event.h>
#include <stdlib.h>

/* Slots taken or freed, as a share of all, that are news. */
#define MOVED_SHARE 20

struct stress_timer {
    struct stress_monitor *monitor;
    struct event *tick;
    stress_timer_callback *callback;
    void *context;
    int busy[SERVICES_MAX];      /* as last logged; -1: not known */
    int busy_told[SERVICES_MAX]; /* as last called back */
};

static bool has_level_changed(struct stress_timer *timer)
{
    struct level_change change;
    bool has_changed = false;
    while (stress_monitor_next_change(timer->monitor, &change))
        has_changed = true;
    return has_changed;
}

static bool have_slots_changed(struct stress_timer *timer)
{
    struct sensor_values values;
    double called[SENSOR_COUNT];
    bool have_changed = false;
    for (size_t i = 0; stress_monitor_sensors(timer->monitor, i, &values, called); i++) {
        if (values.busy != timer->busy[i])
            log_debug("policyd: service %zu slots=%d/%d waiting=%d", i, values.busy,
                      values.slot_limit, values.waiting);
        timer->busy[i] = values.busy;
        int moved = abs(values.busy - timer->busy_told[i]);
        if (values.slot_limit > 0 && moved * MOVED_SHARE > values.slot_limit)
            have_changed = true;
    }
    return have_changed;
}

static void on_tick(int fd, short events, void *context)
{
    struct stress_timer *timer = context;
    (void)fd;
    (void)events;
    int64_t next_ms = stress_monitor_tick(timer->monitor, NULL, clock_monotonic_ms());
    bool is_level_new = has_level_changed(timer), are_slots_new = have_slots_changed(timer);
    if (is_level_new || are_slots_new) {
        for (size_t i = 0; i < SERVICES_MAX; i++)
            timer->busy_told[i] = timer->busy[i];
        timer->callback(timer->context);
    }
    const struct timeval delay = {.tv_usec = next_ms * 1000};
    event_add(timer->tick, &delay);
}

struct stress_timer *stress_timer_start(struct event_base *base, struct stress_monitor *monitor,
                                        stress_timer_callback *callback, void *context)
{
    struct stress_timer *timer = memory_allocate(1, sizeof(*timer));
    *timer =
        (struct stress_timer){.monitor = monitor, .callback = callback, .context = context};
    for (size_t i = 0; i < SERVICES_MAX; i++)
        timer->busy[i] = -1;
    timer->tick = event_new(base, -1, 0, on_tick, timer);
    if (!timer->tick) {
        stress_timer_free(timer);
        return NULL;
    }
    on_tick(-1, 0, timer);
    return timer;
}

void stress_timer_free(struct stress_timer *timer)
{
    if (!timer)
        return;
    if (timer->tick)
        event_free(timer->tick);
    free(timer);
}
