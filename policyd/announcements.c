#include "policyd/announcements.h"

#include "common/memory.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "policyd/gather_rbl.h"
#include "policyd/rbl_lookup.h"
#include "policyd/redis_async.h"
#include "policyd/store.h"
#include "redis/redis_reply.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_US   100000
#define CLIENTS_TAKEN 64 /* at a time */

struct announcements {
    struct store *store;
    struct rbl_engine *engine;
    struct gather_rbl *gather;
    char *host;
    struct event *timer;
    struct redis_async_request *question; /* NULL: none */
};

/* Whoever may write to Redis may have put anything into the list. */
static void look_up(struct announcements *announcements, struct slice text)
{
    struct address address;
    char client[ADDRESS_TEXT_SIZE];
    if (!address_parse(text, &address))
        return;
    address_format(&address, client);
    rbl_lookup_ahead(announcements->engine, slice_from_string(client), clock_monotonic_ms());
}

static void on_clients(void *context, size_t index, const struct redis_reply *reply)
{
    struct announcements *announcements = context;
    (void)index;
    announcements->question = NULL;
    if (!reply || reply->type != REDIS_REPLY_IS_LIST || reply->count == 0)
        return;
    const struct redis_reply *item = redis_reply_first(reply);
    for (size_t i = 0; i < reply->count && i < CLIENTS_TAKEN; i++) {
        if (item->type == REDIS_REPLY_IS_TEXT)
            look_up(announcements, item->text);
        item = redis_reply_next(item);
    }
}

static void on_timer(int fd, short events, void *context)
{
    struct announcements *announcements = context;
    struct redis_async *redis = announcements->store->redis;
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    char count[12];
    (void)fd;
    (void)events;
    if (announcements->question || rbl_engine_is_off(announcements->engine))
        return;
    snprintf(count, sizeof(count), "%d", CLIENTS_TAKEN);
    redis_key_new_clients(&key, announcements->store->config->redis.prefix,
                          announcements->host);
    redis_command_begin(&command, 3);
    redis_command_add(&command, SLICE_LITERAL("RPOP"));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, slice_from_string(count));
    announcements->question =
        redis_async_send(redis, REDIS_USE_WRITE, &command, 1, on_clients, announcements);
}

static void on_listed(void *context, struct slice address, const struct rbl_finding *finding)
{
    struct announcements *announcements = context;
    if (finding->is_new)
        gather_rbl_record(announcements->gather, address);
}

struct announcements *announcements_start(struct event_base *base, struct store *store,
                                          struct rbl_engine *engine, struct gather_rbl *gather,
                                          const char *host)
{
    const struct timeval interval = {.tv_usec = INTERVAL_US};
    struct announcements *announcements = memory_allocate(1, sizeof(*announcements));
    announcements->store = store;
    announcements->engine = engine;
    announcements->gather = gather;
    announcements->host = memory_copy_string(host);
    announcements->timer = event_new(base, -1, EV_PERSIST, on_timer, announcements);
    if (announcements->timer && event_add(announcements->timer, &interval) == 0) {
        rbl_engine_set_ahead_callback(engine, on_listed, announcements);
        return announcements;
    }
    announcements_free(announcements);
    return NULL;
}

void announcements_free(struct announcements *announcements)
{
    if (!announcements)
        return;
    if (announcements->question)
        redis_async_cancel(announcements->store->redis, announcements->question);
    rbl_engine_set_ahead_callback(announcements->engine, NULL, NULL);
    if (announcements->timer)
        event_free(announcements->timer);
    free(announcements->host);
    free(announcements);
}
