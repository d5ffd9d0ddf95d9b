#include "milter/newcomer_watch.h"

#include "common/memory.h"
#include "host/log.h"

#include <pthread.h>

struct newcomer_watch {
    pthread_mutex_t mutex;
    struct newcomers newcomers;
    enum level level; /* as of the last tick */
    int slot_limit;
};

struct newcomer_watch *newcomer_watch_create(void)
{
    struct newcomer_watch *watch = memory_allocate(1, sizeof(*watch));
    pthread_mutex_init(&watch->mutex, NULL);
    return watch;
}

void newcomer_watch_note_end(struct newcomer_watch *watch,
                             const struct session_outcome *outcome, int64_t held_ms,
                             int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    newcomers_note_end(&watch->newcomers, outcome, held_ms, now_ms);
    pthread_mutex_unlock(&watch->mutex);
}

static void judge(struct newcomer_watch *watch, const struct newcomers_settings *settings,
                  int64_t now_ms)
{
    bool before = watch->newcomers.is_on_trial;
    double share =
        newcomers_judge(&watch->newcomers, settings, watch->level, watch->slot_limit, now_ms);
    if (watch->newcomers.is_on_trial != before)
        log_info("newcomers on_trial=%s bad_share=%.2f level=%s", before ? "no" : "yes", share,
                 level_name(watch->level));
}

void newcomer_watch_tick(struct newcomer_watch *watch,
                         const struct newcomers_settings *settings, enum level level,
                         int slot_limit, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    watch->level = level;
    watch->slot_limit = slot_limit;
    judge(watch, settings, now_ms);
    pthread_mutex_unlock(&watch->mutex);
}

void newcomer_watch_look_again(struct newcomer_watch *watch,
                               const struct newcomers_settings *settings, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    judge(watch, settings, now_ms);
    pthread_mutex_unlock(&watch->mutex);
}

bool newcomer_watch_is_on_trial(struct newcomer_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    bool is_on_trial = watch->newcomers.is_on_trial;
    pthread_mutex_unlock(&watch->mutex);
    return is_on_trial;
}

int newcomer_watch_delivering(struct newcomer_watch *watch, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    int delivering = newcomers_delivering(&watch->newcomers, now_ms);
    pthread_mutex_unlock(&watch->mutex);
    return delivering;
}
