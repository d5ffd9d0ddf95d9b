#include "milter/level_watch.h"

#include "common/memory.h"
#include "host/log.h"

#include <pthread.h>
#include <stdlib.h>

struct level_watch {
    pthread_mutex_t mutex;
    struct level_tracker tracker;
    int64_t stress_seen_ms; /* 0: never */
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
    pthread_mutex_unlock(&watch->mutex);

    if (has_changed)
        log_info("level=%s before=%s pressure=%.2f busy=%d waiting=%d slot_limit=%d "
                 "postfix_stress=%s",
                 level_name(level), level_name(before), value, pressure->busy,
                 pressure->waiting, pressure->slot_limit,
                 pressure->is_postfix_stressed ? "yes" : "no");
    return level;
}
