#include "host/history_guard.h"

#include "common/memory.h"
#include "host/log.h"

#include <pthread.h>
#include <stdlib.h>

struct history_guard {
    pthread_mutex_t mutex;
    struct history_cap cap;
    bool has_news;
    struct history_cap_news news;
};

struct history_guard *history_guard_create(void)
{
    struct history_guard *guard = memory_allocate(1, sizeof(*guard));
    pthread_mutex_init(&guard->mutex, NULL);
    return guard;
}

void history_guard_free(struct history_guard *guard)
{
    if (!guard)
        return;
    pthread_mutex_destroy(&guard->mutex);
    free(guard);
}

bool history_guard_is_reached(struct history_guard *guard,
                              const struct rails_settings *settings, int64_t now_ms)
{
    pthread_mutex_lock(&guard->mutex);
    bool is_reached = history_cap_is_reached(&guard->cap, settings, now_ms);
    pthread_mutex_unlock(&guard->mutex);
    return is_reached;
}

static void tell(const struct history_cap_news *news)
{
    if (news->is_reached)
        log_warning(
            "history-cap reached: %.0f %% of %llu connections in 5 minutes were hung up "
            "on by history alone: such clients are only deferred now",
            100 * news->share, (unsigned long long)news->connections);
    else
        log_info(
            "history-cap left: %.0f %% of %llu connections in 5 minutes were hung up on by "
            "history alone",
            100 * news->share, (unsigned long long)news->connections);
}

bool history_guard_count(struct history_guard *guard, const struct rails_settings *settings,
                         bool is_by_history, int64_t now_ms)
{
    pthread_mutex_lock(&guard->mutex);
    enum history_cap_change change =
        history_cap_count(&guard->cap, settings, is_by_history, now_ms);
    struct history_cap_news news = {.is_reached = change == HISTORY_CAP_REACHED,
                                    .share = history_cap_share(&guard->cap),
                                    .connections = guard->cap.connections};
    bool is_new = change != HISTORY_CAP_SAME;
    if (is_new) {
        guard->news = news;
        guard->has_news = true;
    }
    pthread_mutex_unlock(&guard->mutex);
    if (is_new)
        tell(&news);
    return is_new;
}

bool history_guard_take_news(struct history_guard *guard, struct history_cap_news *news_r)
{
    pthread_mutex_lock(&guard->mutex);
    bool has_news = guard->has_news;
    *news_r = guard->news;
    guard->has_news = false;
    pthread_mutex_unlock(&guard->mutex);
    return has_news;
}
