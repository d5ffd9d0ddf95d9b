#include "milter/host_link.h"

#include "common/cluster.h"
#include "common/counter_flush.h"
#include "common/memory.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/history_guard.h"
#include "host/hostname.h"
#include "host/own_numbers.h"
#include "host/process_id.h"
#include "host/stress_monitor.h"
#include "milter/access_watch.h"
#include "milter/history.h"
#include "milter/live_config.h"
#include "milter/reclaimer.h"
#include "milter/session_count.h"
#include "milter/session_table.h"
#include "milter/top.h"
#include "redis/access_memory.h"
#include "redis/host_events.h"
#include "redis/host_exchange.h"
#include "redis/redis_link.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TOP_MS       1000
#define TOP_EXPIRE_S "10"

#define COUNTS_PATIENCE_MS 200 /* nobody waits for it: a slow reply is no trouble yet */
#define COUNTS_LAST_MS     500

struct host_link {
    struct milter *milter;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the next two */
    pthread_cond_t cond;
    bool is_woken, is_ending;
    struct redis_link *link;
    struct host_exchange *exchange;
    char host[HOSTNAME_SIZE];
    int64_t top_at_ms;
    struct counter_flush *counters;
    struct own_numbers own_numbers;
    int64_t count_at_ms;
};

/* -- offer and ask ------------------------------------------------------------------------ */

static void read_state(struct host_link *link, int64_t now_ms, struct host_state *state)
{
    struct milter *milter = link->milter;
    stress_monitor_describe(milter->stress, now_ms, state);
    for (size_t i = 0; i < state->service_count; i++) {
        struct service_state *service = &state->services[i];
        uint16_t port = (uint16_t)service->port;
        int sessions = session_table_busy(milter->sessions, port);
        service->sessions = sessions > 0 ? sessions : 0;
        service->reclaimed = reclaimer_count(milter->reclaimer, port);
    }
}

static void on_offer_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_link *link = context;
    host_exchange_take_offer_reply(link->exchange, index, reply);
}

static void offer(struct host_link *link, bool is_last)
{
    struct host_state state;
    struct error error;
    int64_t now_ms = clock_monotonic_ms();
    struct history_cap_news news;
    struct reclaim_news reclaimed;
    read_state(link, now_ms, &state);
    if (history_guard_take_news(link->milter->history_guard, &news))
        host_events_note_history_cap(link->exchange, &news);
    if (reclaimer_take_news(link->milter->reclaimer, now_ms, &reclaimed))
        host_events_note_reclaim(link->exchange, &reclaimed);
    struct host_commands commands =
        host_exchange_offer(link->exchange, &state, is_last, now_ms);
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_WRITE,
        .commands = {commands.command->data, commands.command->length},
        .count = commands.count,
        .callback = on_offer_reply,
        .context = link,
    };
    redis_link_pipeline(link->link, &pipeline, redis_link_deadline(link->link), NULL, &error);
}

static void take_over(struct host_link *link, int64_t now_ms)
{
    struct override_effect effect;
    struct cluster_summary cluster = host_exchange_cluster(link->exchange, now_ms);
    host_exchange_update_effect(link->exchange, now_ms, &effect);
    stress_monitor_set_override(link->milter->stress, &effect, 0, now_ms);
    stress_monitor_set_cluster(link->milter->stress, &cluster, now_ms);
}

static void on_answer(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_link *link = context;
    host_exchange_take_answer(link->exchange, index, reply, clock_monotonic_ms());
}

static void on_access(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_link *link = context;
    (void)index;
    access_watch_take(link->milter->access, reply, link->milter->history, clock_monotonic_ms());
}

static void ask_access(struct host_link *link)
{
    char buffer[ACCESS_MEMORY_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct error error;
    access_watch_ask(link->milter->access,
                     history_redis_settings(link->milter->history)->prefix, &command);
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_READ,
        .commands = {command.data, command.length},
        .count = 1,
        .callback = on_access,
        .context = link,
    };
    redis_link_pipeline(link->link, &pipeline, redis_link_deadline(link->link), NULL, &error);
}

static void ask(struct host_link *link)
{
    struct error error;
    struct host_commands commands = host_exchange_ask(link->exchange, clock_monotonic_ms());
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_READ,
        .commands = {commands.command->data, commands.command->length},
        .count = commands.count,
        .callback = on_answer,
        .context = link,
    };
    redis_link_pipeline(link->link, &pipeline, redis_link_deadline(link->link), NULL, &error);
}

static void show_top(struct host_link *link, const struct config *config)
{
    char text[TOP_SIZE];
    struct redis_key key;
    struct error error;
    struct slice top = {text, top_format(link->milter->sessions, clock_monotonic_ms(), text)};
    redis_key_top(&key, config->redis.prefix, link->host);
    const struct slice arguments[] = {
        SLICE_LITERAL("SET"), redis_key_slice(&key),       top,
        SLICE_LITERAL("EX"),  SLICE_LITERAL(TOP_EXPIRE_S),
    };
    redis_link_command(link->link, REDIS_USE_WRITE, arguments,
                       sizeof(arguments) / sizeof(arguments[0]),
                       redis_link_deadline(link->link), &error);
}

/* -- counters ----------------------------------------------------------------------------- */

static void on_counts_written(void *context, size_t index, const struct redis_reply *reply)
{
    struct host_link *link = context;
    counter_flush_reply(link->counters, index, reply->type != REDIS_REPLY_IS_ERROR);
}

static void write_counts(struct host_link *link, bool is_last)
{
    const struct counter_flush_target target = {
        .prefix = history_redis_settings(link->milter->history)->prefix,
        .host = link->host,
        .wall_s = clock_wall_s(),
        .is_last = is_last,
    };
    struct buffer commands;
    struct error error;
    if (!redis_server_may_try(history_redis_server(link->milter->history), REDIS_USE_WRITE))
        return;
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_WRITE,
        .count = counter_flush_commands(link->counters, &target, &commands),
        .callback = on_counts_written,
        .context = link,
    };
    pipeline.commands = (struct slice){commands.data, commands.length};
    if (pipeline.count > 0)
        redis_link_pipeline(link->link, &pipeline,
                            redis_link_deadline(link->link) + COUNTS_PATIENCE_MS, NULL, &error);
    buffer_free(&commands);
}

static void count_now(struct host_link *link, const struct config *config)
{
    struct milter *milter = link->milter;
    int64_t now_ms = clock_monotonic_ms();
    struct host_state state;
    read_state(link, now_ms, &state);
    own_numbers_count(&link->own_numbers, &state, now_ms);
    redis_server_set_gauges(history_redis_server(milter->history));
    session_count_open(milter->sessions);
    SET_GAUGE(HISTORY_CAP, history_guard_is_reached(milter->history_guard,
                                                    &config->admission.rails, now_ms));
}

void host_link_write_counts(struct host_link *link)
{
    int64_t until_ms = clock_monotonic_ms() + COUNTS_LAST_MS;
    if (!link)
        return;
    own_numbers_count_cpu(&link->own_numbers);
    /* What is on its way, and then all that was counted since. */
    bool is_last = false;
    while (clock_monotonic_ms() < until_ms &&
           redis_server_may_try(history_redis_server(link->milter->history), REDIS_USE_WRITE) &&
           !(is_last && counter_flush_is_settled(link->counters))) {
        is_last = is_last || counter_flush_is_settled(link->counters);
        write_counts(link, true);
    }
}

/* -- the thread --------------------------------------------------------------------------- */

/* prefix: as at the start, as everything of Redis. */
static void follow_config(struct host_link *link, const struct config *config)
{
    const char *prefix = history_redis_settings(link->milter->history)->prefix;
    hostname_get(config->host, link->host);
    if (!link->counters) {
        char id[PROCESS_ID_SIZE];
        process_id_make("milter", link->host, id);
        link->counters = counter_flush_create(count_set(), COUNTER_PROCESS_MILTER, id);
    }
    if (link->exchange && host_exchange_is_of(link->exchange, prefix, link->host))
        return;
    host_exchange_free(link->exchange);
    link->exchange = host_exchange_create(PUBLISHER_MILTER, prefix, link->host);
}

static void work(struct host_link *link, bool is_last)
{
    const struct config *config = live_config_acquire(link->milter->config);
    follow_config(link, config);
    offer(link, is_last);
    if (!is_last) {
        ask(link);
        ask_access(link);
        take_over(link, clock_monotonic_ms());
        if (host_exchange_wants_offer(link->exchange, clock_monotonic_ms()))
            offer(link, false);
        if (clock_monotonic_ms() >= link->top_at_ms) {
            link->top_at_ms = clock_monotonic_ms() + TOP_MS;
            show_top(link, config);
        }
        if (clock_monotonic_ms() >= link->count_at_ms) {
            link->count_at_ms = clock_monotonic_ms() + COUNTER_FLUSH_MS;
            count_now(link, config);
            write_counts(link, false);
        }
    }
    live_config_release(link->milter->config, config);
}

/* True: go on. */
static bool wait_for_turn(struct host_link *link)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += HOST_EXCHANGE_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&link->mutex);
    int problem = 0;
    while (!link->is_woken && !link->is_ending && problem == 0)
        problem = pthread_cond_timedwait(&link->cond, &link->mutex, &until);
    link->is_woken = false;
    bool is_going_on = !link->is_ending;
    pthread_mutex_unlock(&link->mutex);
    return is_going_on;
}

static void *run(void *context)
{
    struct host_link *link = context;
    do {
        work(link, false);
    } while (wait_for_turn(link));
    work(link, true);
    return NULL;
}

struct host_link *host_link_start(struct milter *milter, struct error *error)
{
    struct host_link *link = memory_allocate(1, sizeof(*link));
    pthread_condattr_t attributes;
    link->milter = milter;
    link->link = redis_link_create(history_redis_server(milter->history));
    pthread_mutex_init(&link->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&link->cond, &attributes);
    pthread_condattr_destroy(&attributes);
    int problem = pthread_create(&link->thread, NULL, run, link);
    if (problem == 0)
        return link;
    error_set(error, "cannot start a thread: %s", strerror(problem));
    redis_link_free(link->link);
    free(link);
    return NULL;
}

void host_link_wake(struct host_link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->is_woken = true;
    pthread_cond_signal(&link->cond);
    pthread_mutex_unlock(&link->mutex);
}

void host_link_end(struct host_link *link)
{
    if (!link)
        return;
    pthread_mutex_lock(&link->mutex);
    link->is_ending = true;
    pthread_cond_signal(&link->cond);
    pthread_mutex_unlock(&link->mutex);
    pthread_join(link->thread, NULL);
}
