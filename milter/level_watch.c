#include "milter/level_watch.h"

#include "common/cluster.h"
#include "common/memory.h"
#include "host/log.h"

#include <pthread.h>
#include <stdlib.h>

struct level_watch {
    pthread_mutex_t mutex;
    struct stress stress;
    struct override_effect effect;
    enum level floor;
    enum level level; /* the one that counts */
    enum level_source source;
    int64_t since_ms; /* of level; 0: since the first reading */
};

struct level_watch *level_watch_create(void)
{
    struct level_watch *watch = memory_allocate(1, sizeof(*watch));
    pthread_mutex_init(&watch->mutex, NULL);
    return watch;
}

void level_watch_free(struct level_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

static enum level set_level(struct level_watch *watch, int64_t now_ms)
{
    enum level level = cluster_effective_level(watch->stress.tracker.level, watch->floor,
                                               &watch->effect, &watch->source);
    if (level != watch->level || watch->since_ms == 0)
        watch->since_ms = now_ms;
    return watch->level = level;
}

void level_watch_set_outside(struct level_watch *watch, const struct override_effect *effect,
                             enum level floor)
{
    pthread_mutex_lock(&watch->mutex);
    watch->effect = *effect;
    watch->floor = floor;
    pthread_mutex_unlock(&watch->mutex);
}

void level_watch_get_override(struct level_watch *watch, bool *is_level_forced_r,
                              bool *is_off_r)
{
    pthread_mutex_lock(&watch->mutex);
    *is_level_forced_r = watch->effect.is_level_forced;
    *is_off_r = watch->effect.is_off;
    pthread_mutex_unlock(&watch->mutex);
}

bool level_watch_describe(struct level_watch *watch, int64_t now_ms,
                          struct service_state *service)
{
    pthread_mutex_lock(&watch->mutex);
    service->level = watch->level;
    service->level_source = watch->source;
    service->level_age_s = (now_ms - watch->since_ms) / 1000;
    service->driver = watch->stress.pressure.driver;
    service->is_postfix_stressed = stress_is_flag_up(&watch->stress, now_ms);
    bool is_off = watch->effect.is_off;
    pthread_mutex_unlock(&watch->mutex);
    return is_off;
}

void level_watch_note_end(struct level_watch *watch, enum session_ending ending, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    stress_note_session_end(&watch->stress, ending, now_ms);
    pthread_mutex_unlock(&watch->mutex);
}

void level_watch_note_turned_away(struct level_watch *watch, const struct config *config,
                                  int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    stress_note_turned_away(&watch->stress, &config->services.items[0].level, now_ms);
    pthread_mutex_unlock(&watch->mutex);
}

static struct stress_input input_of(const struct pressure *pressure)
{
    struct stress_input input = stress_input_unknown;
    if (pressure->is_known) {
        input.slot_limit = pressure->slot_limit;
        input.busy = pressure->busy;
        input.waiting = pressure->waiting;
    }
    return input;
}

enum level level_watch_feed(struct level_watch *watch, const struct config *config,
                            struct pressure *pressure, int64_t now_ms)
{
    const struct stress_settings settings = {&config->services.items[0].level, &config->sensor};
    pthread_mutex_lock(&watch->mutex);
    if (pressure->is_postfix_stressed)
        stress_note_flag_up(&watch->stress, now_ms);
    const struct stress_input input = input_of(pressure);
    enum level before = watch->stress.tracker.level;
    bool has_changed = stress_update(&watch->stress, &settings, &input, now_ms);
    const struct pressure all = watch->stress.pressure;
    pressure->is_postfix_stressed = all.is_postfix_stressed;
    pressure->value = all.value;
    enum level level = watch->stress.tracker.level;
    enum level counted = set_level(watch, now_ms);
    pthread_mutex_unlock(&watch->mutex);

    if (has_changed)
        log_info("level=%s before=%s pressure=%.2f driver=%s busy=%d waiting=%d slot_limit=%d "
                 "postfix_stress=%s",
                 level_name(level), level_name(before), all.value, sensor_name(all.driver),
                 all.busy, all.waiting, all.slot_limit, all.is_postfix_stressed ? "yes" : "no");
    return counted;
}
