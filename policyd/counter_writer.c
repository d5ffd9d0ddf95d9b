#include "policyd/counter_writer.h"

#include "common/counter_flush.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/hostname.h"
#include "host/process_id.h"
#include "policyd/store.h"

#include <event2/event.h>
#include <stdlib.h>

#define FINISH_MS 500
#define TURN_MS   20 /* between looks at whether it is done */

struct counter_writer {
    struct event_base *base;
    struct store *store;
    const struct config *config;
    void (*before)(void *context);
    void *context;
    struct counter_flush *flush;
    size_t waiting; /* replies that are to come */
    struct event *timer;
};

struct counter_writer *counter_writer_create(struct event_base *base, struct store *store,
                                             const struct config *config,
                                             enum counter_process process,
                                             void (*before)(void *context), void *context)
{
    struct counter_writer *writer = memory_allocate(1, sizeof(*writer));
    char host[HOSTNAME_SIZE], id[PROCESS_ID_SIZE];
    hostname_get(config->host, host);
    process_id_make(counter_process_name(process), host, id);
    writer->base = base;
    writer->store = store;
    writer->config = config;
    writer->before = before;
    writer->context = context;
    writer->flush = counter_flush_create(count_set(), process, id);
    return writer;
}

void counter_writer_free(struct counter_writer *writer)
{
    if (!writer)
        return;
    redis_async_forget(writer->store->redis, writer);
    if (writer->timer)
        event_free(writer->timer);
    counter_flush_free(writer->flush);
    free(writer);
}

void counter_writer_reload(struct counter_writer *writer, const struct config *config)
{
    writer->config = config;
}

static void on_reply(void *context, size_t index, const struct redis_reply *reply)
{
    struct counter_writer *writer = context;
    counter_flush_reply(writer->flush, index, reply != NULL);
    writer->waiting--;
}

static void write_now(struct counter_writer *writer, bool is_last)
{
    char host[HOSTNAME_SIZE];
    struct buffer commands;
    if (writer->waiting > 0)
        return;
    hostname_get(writer->config->host, host);
    const struct counter_flush_target target = {
        .prefix = writer->config->redis.prefix,
        .host = host,
        .wall_s = clock_wall_s(),
        .is_last = is_last,
    };
    if (writer->before)
        writer->before(writer->context);
    if (!redis_server_may_try(writer->store->server, REDIS_USE_WRITE))
        return;
    size_t count = counter_flush_commands(writer->flush, &target, &commands);
    const struct redis_command command = {commands.data, commands.length, commands.size, false};
    if (count > 0 && redis_async_send(writer->store->redis, REDIS_USE_WRITE, &command, count,
                                      on_reply, writer))
        writer->waiting = count;
    buffer_free(&commands);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    write_now(context, false);
}

bool counter_writer_start(struct counter_writer *writer)
{
    const struct timeval interval = {COUNTER_FLUSH_MS / 1000, COUNTER_FLUSH_MS % 1000 * 1000};
    writer->timer = event_new(writer->base, -1, EV_PERSIST, on_timer, writer);
    return writer->timer && event_add(writer->timer, &interval) == 0;
}

static void on_turn(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    (void)context;
}

void counter_writer_finish(struct counter_writer *writer)
{
    const struct timeval turn = {.tv_usec = TURN_MS * 1000};
    int64_t until_ms = clock_monotonic_ms() + FINISH_MS;
    struct event *ticker = event_new(writer->base, -1, EV_PERSIST, on_turn, NULL);
    if (writer->timer)
        event_del(writer->timer);
    if (!ticker || event_add(ticker, &turn) != 0)
        return;
    /* What is on its way, and then all that was counted since. */
    bool is_last = false;
    while (clock_monotonic_ms() < until_ms &&
           redis_server_may_try(writer->store->server, REDIS_USE_WRITE)) {
        if (is_last && counter_flush_is_settled(writer->flush))
            break;
        is_last = is_last || (writer->waiting == 0 && counter_flush_is_settled(writer->flush));
        write_now(writer, true);
        if (!counter_flush_is_settled(writer->flush))
            event_base_loop(writer->base, EVLOOP_ONCE);
    }
    event_free(ticker);
}
