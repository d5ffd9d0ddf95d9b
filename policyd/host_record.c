#include "policyd/host_record.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/hostname.h"
#include "host/log.h"
#include "host/stress_monitor.h"
#include "policyd/store.h"
#include "redis/access_memory.h"
#include "redis/host_events.h"
#include "redis/host_exchange.h"

#include <event2/event.h>
#include <stdlib.h>

#define ASK_INTERVAL_MS HOST_EXCHANGE_MS /* of a spawned process */

struct host_record {
    struct store *store;
    struct stress_monitor *monitor;
    const struct config *config;
    bool is_spawned, is_ended;
    struct host_exchange *exchange;
    struct access_memory access;
    struct event *timer, *now; /* now: something has changed */
    bool is_asking;            /* and has no answer yet */
    bool had_milter;
    int64_t asked_at_ms; /* by a spawned process; 0: never */
    host_record_callback *callback;
    void *context;
};

static void open_exchange(struct host_record *record)
{
    char host[HOSTNAME_SIZE];
    hostname_get(record->config->host, host);
    record->exchange =
        host_exchange_create(record->is_spawned ? PUBLISHER_NONE : PUBLISHER_POLICYD,
                             record->config->redis.prefix, host);
}

struct host_record *host_record_create(struct store *store, struct stress_monitor *monitor,
                                       const struct config *config, bool is_spawned)
{
    struct host_record *record = memory_allocate(1, sizeof(*record));
    record->store = store;
    record->monitor = monitor;
    record->config = config;
    record->is_spawned = is_spawned;
    open_exchange(record);
    return record;
}

void host_record_free(struct host_record *record)
{
    redis_async_forget(record->store->redis, record);
    if (record->timer)
        event_free(record->timer);
    if (record->now)
        event_free(record->now);
    host_exchange_free(record->exchange);
    access_memory_free(&record->access);
    free(record);
}

void host_record_reload(struct host_record *record, const struct config *config)
{
    char host[HOSTNAME_SIZE];
    hostname_get(config->host, host);
    record->config = config;
    if (host_exchange_is_of(record->exchange, config->redis.prefix, host))
        return;
    redis_async_forget(record->store->redis, record);
    record->is_asking = false;
    host_exchange_free(record->exchange);
    open_exchange(record);
}

struct host_word host_record_word(const struct host_record *record)
{
    return (struct host_word){host_exchange_has_milter(record->exchange)};
}

void host_record_tell_access(const struct host_record *record, const struct address *address,
                             int64_t now_ms, struct client_facts *facts)
{
    access_list_tell(&record->access.list, address,
                     access_memory_now_s(&record->access, now_ms), facts);
}

/* -- what is said to us ------------------------------------------------------------------- */

static void take_over(struct host_record *record, int64_t now_ms)
{
    struct override_effect effect;
    struct cluster_summary cluster = host_exchange_cluster(record->exchange, now_ms);
    host_exchange_update_effect(record->exchange, now_ms, &effect);
    stress_monitor_set_published(record->monitor,
                                 host_exchange_measured(record->exchange, now_ms));
    stress_monitor_set_override(record->monitor, &effect, 0, now_ms);
    stress_monitor_set_cluster(record->monitor, &cluster, now_ms);
    bool has_milter = host_exchange_has_milter(record->exchange);
    if (has_milter != record->had_milter && !record->is_spawned)
        log_info("policyd: %s", has_milter
                                    ? "a milter on this host decides about admission"
                                    : "no milter on this host: admission is decided here");
    record->had_milter = has_milter;
    if (record->now && host_exchange_wants_offer(record->exchange, now_ms))
        event_active(record->now, 0, 0);
}

static void on_answer(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_record *record = context;
    int64_t now_ms = clock_monotonic_ms();
    if (host_exchange_take_answer(record->exchange, index, reply, now_ms))
        take_over(record, now_ms);
    if (!host_exchange_is_last(record->exchange, index))
        return;
    record->is_asking = false;
    host_record_callback *callback = record->callback;
    record->callback = NULL;
    if (callback)
        callback(record->context);
}

static void forget(void *context, const struct client_key *key)
{
    struct store *store = context;
    client_cache_remove(store->cache, key);
}

static void on_access(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_record *record = context;
    (void)index;
    if (access_memory_take(&record->access, reply, clock_monotonic_ms()))
        access_memory_forget(&record->access, forget, record->store);
}

static void ask_access(struct host_record *record)
{
    char buffer[ACCESS_MEMORY_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    access_memory_ask(&record->access, record->config->redis.prefix, &command);
    redis_async_send(record->store->redis, REDIS_USE_READ, &command, 1, on_access, record);
}

static struct redis_async_request *ask(struct host_record *record)
{
    ask_access(record); /* answered first: with the last answer all is known */
    struct host_commands commands = host_exchange_ask(record->exchange, clock_monotonic_ms());
    struct redis_async_request *request =
        redis_async_send(record->store->redis, REDIS_USE_READ, commands.command, commands.count,
                         on_answer, record);
    record->is_asking = request != NULL;
    return request;
}

/* -- a daemon ----------------------------------------------------------------------------- */

static void on_offer_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_record *record = context;
    host_exchange_take_offer_reply(record->exchange, index, reply);
}

static void offer(struct host_record *record, bool is_last, int64_t now_ms)
{
    struct host_state state;
    stress_monitor_describe(record->monitor, now_ms, &state);
    struct host_commands commands =
        host_exchange_offer(record->exchange, &state, is_last, now_ms);
    redis_async_send(record->store->redis, REDIS_USE_WRITE, commands.command, commands.count,
                     on_offer_reply, record);
}

static void on_timer(int fd, short events, void *context)
{
    struct host_record *record = context;
    int64_t now_ms = clock_monotonic_ms();
    (void)fd;
    (void)events;
    offer(record, false, now_ms);
    if (!record->is_asking)
        ask(record);
    take_over(record, now_ms); /* an override ends by the clock, a milter goes silent */
}

bool host_record_start(struct host_record *record, struct event_base *base)
{
    const struct timeval interval = {.tv_usec = HOST_EXCHANGE_MS * 1000};
    record->timer = event_new(base, -1, EV_PERSIST, on_timer, record);
    record->now = event_new(base, -1, 0, on_timer, record);
    if (!record->timer || !record->now || event_add(record->timer, &interval) != 0)
        return false;
    on_timer(-1, 0, record);
    return true;
}

void host_record_tell(struct host_record *record)
{
    if (record->now && !record->is_ended)
        event_active(record->now, 0, 0);
}

void host_record_end(struct host_record *record)
{
    record->is_ended = true;
    event_del(record->timer);
    event_del(record->now);
    offer(record, true, clock_monotonic_ms());
}

/* -- a spawned process -------------------------------------------------------------------- */

struct redis_async_request *host_record_ask(struct host_record *record, int64_t now_ms,
                                            host_record_callback *callback, void *context)
{
    bool is_young = record->asked_at_ms != 0 && now_ms - record->asked_at_ms < ASK_INTERVAL_MS;
    if (is_young || record->is_asking) {
        take_over(record, now_ms);
        return NULL;
    }
    struct redis_async_request *request = ask(record);
    record->asked_at_ms = request ? now_ms : 0;
    if (request) {
        record->callback = callback;
        record->context = context;
    } else {
        take_over(record, now_ms);
    }
    return request;
}

void host_record_cancel(struct host_record *record, struct redis_async_request *request)
{
    (void)request;
    record->callback = NULL;
}

void host_record_note_history_cap(struct host_record *record,
                                  const struct history_cap_news *news)
{
    host_events_note_history_cap(record->exchange, news);
}
