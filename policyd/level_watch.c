#include "policyd/level_watch.h"

#include "common/cluster.h"
#include "common/memory.h"
#include "common/stress.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/pressure_source.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS       50 /* with level.sustain_ms, a fraction of a second in all */
#define OPEN_AGAIN_MS 60000

struct level_watch {
    const struct config *config;
    struct pressure_source *source; /* NULL: not opened yet */
    struct event *tick;
    struct stress stress;
    int busy_seen; /* at the last tick; -1: none yet */
    bool is_lazy;
    int published_slot_limit;   /* lazy; 0: not known */
    enum level published_level; /* lazy */
    int64_t open_at_ms;         /* lazy: not before */
    struct override_effect effect;
    enum level floor;
    enum level level; /* the one that counts */
    enum level_source level_source;
    int64_t since_ms; /* of level */
    void (*on_change)(void *context);
    void *context;
};

/* The first one is the one that is protected. */
static const struct service_settings *service_of(const struct config *config)
{
    return &config->services.items[0];
}

struct level_watch *level_watch_open(const struct config *config, struct error *error)
{
    struct pressure_source *source = pressure_source_open(service_of(config), error);
    if (!source)
        return NULL;
    struct level_watch *watch = memory_allocate(1, sizeof(*watch));
    watch->config = config;
    watch->source = source;
    watch->busy_seen = -1;
    watch->since_ms = clock_monotonic_ms();
    return watch;
}

struct level_watch *level_watch_open_lazily(const struct config *config)
{
    struct level_watch *watch = memory_allocate(1, sizeof(*watch));
    watch->config = config;
    watch->is_lazy = true;
    return watch;
}

void level_watch_free(struct level_watch *watch)
{
    if (watch->tick)
        event_free(watch->tick);
    if (watch->source)
        pressure_source_close(watch->source);
    free(watch);
}

bool level_watch_reload(struct level_watch *watch, const struct config *config,
                        struct error *error)
{
    watch->config = config;
    return !watch->source || pressure_source_refresh(watch->source, service_of(config), error);
}

void level_watch_take_over(struct level_watch *watch, int slot_limit, enum level level)
{
    watch->published_slot_limit = slot_limit;
    watch->published_level = level;
}

/* With the published slot limit a spawned process does not run postconf: hundreds of them start
 * together when the load rises. */
static void open_source(struct level_watch *watch, int64_t now_ms)
{
    struct service_settings settings = *service_of(watch->config);
    struct error error = {""};
    if (now_ms < watch->open_at_ms)
        return;
    if (settings.slot_limit == SLOT_LIMIT_AUTO && watch->published_slot_limit > 0)
        settings.slot_limit = watch->published_slot_limit;
    watch->source = pressure_source_open(&settings, &error);
    if (!watch->source) {
        watch->open_at_ms = now_ms + OPEN_AGAIN_MS;
        log_warning("policyd: the pressure is not known: %s", error.text);
    }
}

static void set_level(struct level_watch *watch, enum level own, int64_t now_ms)
{
    enum level before = watch->level;
    watch->level =
        cluster_effective_level(own, watch->floor, &watch->effect, &watch->level_source);
    if (watch->level == before)
        return;
    watch->since_ms = now_ms;
    if (watch->on_change)
        watch->on_change(watch->context);
}

bool level_watch_is_off(const struct level_watch *watch)
{
    return watch->effect.is_off;
}

void level_watch_on_change(struct level_watch *watch, void (*callback)(void *context),
                           void *context)
{
    watch->on_change = callback;
    watch->context = context;
}

void level_watch_set_outside(struct level_watch *watch, const struct override_effect *effect,
                             enum level floor, int64_t now_ms)
{
    watch->effect = *effect;
    watch->floor = floor;
    set_level(watch, watch->is_lazy ? watch->published_level : watch->stress.tracker.level,
              now_ms);
}

void level_watch_state(struct level_watch *watch, int64_t now_ms, struct service_state *state_r)
{
    struct level_reading reading;
    const struct pressure *pressure = &reading.pressure;
    level_watch_read(watch, false, now_ms, &reading);
    service_state_init(state_r);
    snprintf(state_r->name, sizeof(state_r->name), "%s", service_of(watch->config)->name);
    state_r->port = (int)service_of(watch->config)->port;
    state_r->level = watch->level;
    state_r->level_source = watch->level_source;
    state_r->level_age_s = (now_ms - watch->since_ms) / 1000;
    state_r->is_postfix_stressed = stress_is_flag_up(&watch->stress, now_ms);
    state_r->slot_limit = pressure->slot_limit;
    if (!pressure->is_known)
        return;
    state_r->pressure = pressure->value;
    state_r->driver = watch->stress.pressure.driver;
    state_r->busy = pressure->busy;
    state_r->waiting = pressure->waiting;
    state_r->sessions = pressure->busy;
}

static void log_level(const struct level_watch *watch, enum level before)
{
    const struct pressure *pressure = &watch->stress.pressure;
    log_info("policyd: level=%s before=%s pressure=%.2f driver=%s slots=%d/%d waiting=%d "
             "stress=%s",
             level_name(watch->stress.tracker.level), level_name(before), pressure->value,
             sensor_name(pressure->driver), pressure->busy, pressure->slot_limit,
             pressure->waiting, pressure->is_postfix_stressed ? "yes" : "no");
}

static void update(struct level_watch *watch, const struct pressure *pressure, int64_t now_ms)
{
    const struct stress_settings settings = {&service_of(watch->config)->level,
                                             &watch->config->sensor};
    struct stress_input input = stress_input_unknown;
    enum level before = watch->stress.tracker.level;
    if (pressure->is_known) {
        input.slot_limit = pressure->slot_limit;
        input.busy = pressure->busy;
        input.waiting = pressure->waiting;
    }
    if (stress_update(&watch->stress, &settings, &input, now_ms) && !watch->is_lazy)
        log_level(watch, before);
    set_level(watch, watch->is_lazy ? watch->published_level : watch->stress.tracker.level,
              now_ms);
}

/* A daemon's level moves by the clock, and with the first request that says stress=yes. */
void level_watch_read(struct level_watch *watch, bool is_postfix_stressed, int64_t now_ms,
                      struct level_reading *reading_r)
{
    struct pressure *pressure = &reading_r->pressure;
    if (watch->is_lazy && !watch->source)
        open_source(watch, now_ms);
    *pressure = (struct pressure){.is_known = false};
    if (watch->source)
        pressure_source_read(watch->source, now_ms, pressure);
    bool is_news = is_postfix_stressed && !stress_is_flag_up(&watch->stress, now_ms);
    if (is_postfix_stressed)
        stress_note_flag_up(&watch->stress, now_ms);
    if (watch->is_lazy || is_news)
        update(watch, pressure, now_ms);
    pressure->is_postfix_stressed = watch->stress.pressure.is_postfix_stressed;
    reading_r->level = watch->level;
    reading_r->is_level_forced = watch->effect.is_level_forced;
    reading_r->is_off = watch->effect.is_off;
}

static void on_tick(int fd, short events, void *context)
{
    struct level_watch *watch = context;
    struct level_reading reading;
    (void)fd;
    (void)events;
    int64_t now_ms = clock_monotonic_ms();
    level_watch_read(watch, false, now_ms, &reading);
    update(watch, &reading.pressure, now_ms);
    if (reading.pressure.busy != watch->busy_seen)
        log_debug("policyd: slots=%d/%d waiting=%d", reading.pressure.busy,
                  reading.pressure.slot_limit, reading.pressure.waiting);
    watch->busy_seen = reading.pressure.busy;
}

bool level_watch_start_ticking(struct level_watch *watch, struct event_base *base)
{
    const struct timeval interval = {.tv_usec = TICK_MS * 1000};
    watch->tick = event_new(base, -1, EV_PERSIST, on_tick, watch);
    return watch->tick && event_add(watch->tick, &interval) == 0;
}

void level_watch_note_admitted(struct level_watch *watch)
{
    if (watch->source)
        pressure_source_note_admitted(watch->source);
}
