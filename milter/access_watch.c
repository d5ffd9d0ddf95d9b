#include "milter/access_watch.h"

#include "common/client_class.h"
#include "common/memory.h"
#include "milter/history.h"
#include "redis/access_memory.h"

#include <pthread.h>

struct access_watch {
    pthread_mutex_t mutex;
    struct access_memory memory;
};

struct access_watch *access_watch_create(void)
{
    struct access_watch *watch = memory_allocate(1, sizeof(*watch));
    pthread_mutex_init(&watch->mutex, NULL);
    return watch;
}

void access_watch_ask(struct access_watch *watch, const char *prefix,
                      struct redis_command *command)
{
    pthread_mutex_lock(&watch->mutex);
    access_memory_ask(&watch->memory, prefix, command);
    pthread_mutex_unlock(&watch->mutex);
}

static void forget(void *context, const struct client_key *key)
{
    history_forget(context, key);
}

void access_watch_take(struct access_watch *watch, const struct redis_reply *reply,
                       struct history *history, int64_t now_ms)
{
    pthread_mutex_lock(&watch->mutex);
    if (access_memory_take(&watch->memory, reply, now_ms))
        access_memory_forget(&watch->memory, forget, history);
    pthread_mutex_unlock(&watch->mutex);
}

void access_watch_tell(struct access_watch *watch, const struct address *address,
                       int64_t now_ms, struct client_facts *facts)
{
    pthread_mutex_lock(&watch->mutex);
    access_list_tell(&watch->memory.list, address, access_memory_now_s(&watch->memory, now_ms),
                     facts);
    pthread_mutex_unlock(&watch->mutex);
}
