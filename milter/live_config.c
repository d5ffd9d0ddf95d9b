#include "milter/live_config.h"

#include "common/memory.h"

#include <pthread.h>
#include <stdlib.h>

struct snapshot {
    struct snapshot *older; /* replaced, but still in use */
    struct config *config;
    unsigned users;
};

struct live_config {
    pthread_mutex_t mutex;
    struct snapshot *current;
};

struct live_config *live_config_create(struct config *config)
{
    struct live_config *live = memory_allocate(1, sizeof(*live));
    pthread_mutex_init(&live->mutex, NULL);
    live->current = memory_allocate(1, sizeof(*live->current));
    live->current->config = config;
    return live;
}

static void free_list(struct snapshot *list)
{
    while (list) {
        struct snapshot *next = list->older;
        config_free(list->config);
        free(list);
        list = next;
    }
}

void live_config_free(struct live_config *live)
{
    if (!live)
        return;
    free_list(live->current);
    pthread_mutex_destroy(&live->mutex);
    free(live);
}

const struct config *live_config_acquire(struct live_config *live)
{
    pthread_mutex_lock(&live->mutex);
    live->current->users++;
    const struct config *config = live->current->config;
    pthread_mutex_unlock(&live->mutex);
    return config;
}

/* Takes snapshots that nobody uses any more out of the list; the caller frees them. */
static struct snapshot *take_unused(struct live_config *live)
{
    struct snapshot *unused = NULL;
    struct snapshot **link = &live->current->older;
    while (*link) {
        struct snapshot *snapshot = *link;
        if (snapshot->users > 0) {
            link = &snapshot->older;
            continue;
        }
        *link = snapshot->older;
        snapshot->older = unused;
        unused = snapshot;
    }
    return unused;
}

void live_config_release(struct live_config *live, const struct config *config)
{
    pthread_mutex_lock(&live->mutex);
    struct snapshot *snapshot = live->current;
    while (snapshot->config != config)
        snapshot = snapshot->older;
    snapshot->users--;
    struct snapshot *unused = take_unused(live);
    pthread_mutex_unlock(&live->mutex);
    free_list(unused);
}

void live_config_replace(struct live_config *live, struct config *config)
{
    struct snapshot *snapshot = memory_allocate(1, sizeof(*snapshot));
    snapshot->config = config;
    pthread_mutex_lock(&live->mutex);
    snapshot->older = live->current;
    live->current = snapshot;
    struct snapshot *unused = take_unused(live);
    pthread_mutex_unlock(&live->mutex);
    free_list(unused);
}
