#include "milter/level_watch.h"

#include "common/cluster.h"
#include "common/memory.h"
#include "host/log.h"

#include <pthread.h>
#include <stdlib.h>

struct level_watch {
    pthread_mutex_t mutex;
    struct level_tracker tracker;
    int64_t stress_seen_ms; /* 0: never */
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
    enum level level = cluster_effective_level(watch->tracker.level, watch->floor,
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
    bool is_off = watch->effect.is_off;
    pthread_mutex_unlock(&watch->mutex);
    return is_off;
}

enum level level_watch_feed(struct level_watch *watch, const struct level_settings *settings,
                            struct pressure *pressure, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    if (pressure->is_postfix_stressed)
        watch->stress_seen_ms = now_ms;
    pressure->is_postfix_stressed =
        watch->stress_seen_ms != 0 && now_ms - watch->stress_seen_ms < LEVEL_WATCH_STRESS_MS;
    double value = pressure->is_known ? pressure->value : 0;
    enum level before = watch->tracker.level;
    bool has_changed = level_tracker_update(&watch->tracker, settings, value,
                                            pressure->is_postfix_stressed, now_ms);
    enum level level = watch->tracker.level;
    enum level counted = set_level(watch, now_ms);
    pthread_mutex_unlock(&watch->mutex);

    if (has_changed)
        log_info("level=%s before=%s pressure=%.2f busy=%d waiting=%d slot_limit=%d "
                 "postfix_stress=%s",
                 level_name(level), level_name(before), value, pressure->busy,
                 pressure->waiting, pressure->slot_limit,
                 pressure->is_postfix_stressed ? "yes" : "no");
    return counted;
}
