#include "policyd/probe_watch.h"

#include "common/memory.h"
#include "host/clock.h"
#include "policyd/redis_async.h"
#include "policyd/store.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PROBES_MAX  256
#define INTERVAL_US 100000
#define LOST_MS     (RECIPIENT_ASKED_S * 1000)

struct probe {
    struct probe_watch *watch;
    bool is_used;
    enum probe_bucket bucket;
    int64_t since_ms;
    struct recipient_hash hash;
    struct redis_key key;
    struct redis_async_request *question; /* NULL: none */
};

struct probe_watch {
    struct store *store;
    struct event *timer;
    probe_watch_callback *callback;
    void *context;
    struct probe_budget budget;
    int64_t per_minute;
    size_t count; /* probes in use */
    size_t next;  /* where the next one goes */
    struct probe probes[PROBES_MAX];
};

static void release(struct probe *probe)
{
    if (probe->question)
        redis_async_cancel(probe->watch->store->redis, probe->question);
    probe->question = NULL;
    probe->watch->count -= probe->is_used;
    probe->is_used = false;
}

static void on_record(void *context, bool is_answered, const struct redis_field *fields,
                      size_t count)
{
    struct probe *probe = context;
    struct probe_watch *watch = probe->watch;
    struct recipient_record record = {.status = RECIPIENT_UNKNOWN};
    probe->question = NULL;
    if (!is_answered)
        return;
    for (size_t i = 0; i < count; i++)
        recipient_record_set_field(&record, fields[i].name, fields[i].value);
    watch->callback(watch->context, &probe->hash, &record);
    if (record.status == RECIPIENT_DELIVERABLE)
        probe_budget_give_back(&watch->budget, probe->bucket, watch->per_minute);
    if (record.status == RECIPIENT_DELIVERABLE || record.status == RECIPIENT_UNDELIVERABLE)
        release(probe);
}

static void start_timer(struct probe_watch *watch)
{
    const struct timeval interval = {.tv_usec = INTERVAL_US};
    if (watch->timer && watch->count > 0 && !evtimer_pending(watch->timer, NULL))
        event_add(watch->timer, &interval);
}

static void on_timer(int fd, short events, void *context)
{
    struct probe_watch *watch = context;
    int64_t now_ms = clock_monotonic_ms();
    (void)fd;
    (void)events;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        struct probe *probe = &watch->probes[i];
        if (!probe->is_used || probe->question)
            continue;
        if (now_ms - probe->since_ms >= LOST_MS)
            release(probe);
        else
            probe->question = redis_async_read_hash(
                watch->store->redis, redis_key_slice(&probe->key), on_record, probe);
    }
    start_timer(watch);
}

struct probe_watch *probe_watch_create(struct event_base *base, struct store *store,
                                       probe_watch_callback *callback, void *context)
{
    struct probe_watch *watch = memory_allocate(1, sizeof(*watch));
    watch->store = store;
    watch->callback = callback;
    watch->context = context;
    watch->timer = event_new(base, -1, 0, on_timer, watch);
    for (size_t i = 0; i < PROBES_MAX; i++)
        watch->probes[i].watch = watch;
    return watch;
}

void probe_watch_free(struct probe_watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < PROBES_MAX; i++)
        release(&watch->probes[i]);
    if (watch->timer)
        event_free(watch->timer);
    free(watch);
}

bool probe_watch_has_probe(struct probe_watch *watch, enum probe_bucket bucket,
                           int64_t per_minute, int64_t now_ms)
{
    return probe_budget_has(&watch->budget, bucket, per_minute, now_ms);
}

void probe_watch_add(struct probe_watch *watch, enum probe_bucket bucket, int64_t per_minute,
                     const struct redis_key *key, const struct recipient_hash *hash,
                     int64_t now_ms)
{
    struct probe *probe = &watch->probes[watch->next];
    watch->next = (watch->next + 1) % PROBES_MAX;
    watch->per_minute = per_minute;
    release(probe); /* one that is forgotten stays taken */
    probe_budget_take(&watch->budget, bucket);
    *probe = (struct probe){.watch = watch,
                            .is_used = true,
                            .bucket = bucket,
                            .since_ms = now_ms,
                            .hash = *hash,
                            .key = *key};
    watch->count++;
    start_timer(watch);
}
