#include "policyd/connection_set.h"

#include "common/memory.h"
#include "common/policy_request.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/connection.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define SWEEP_INTERVAL_S 1

void connection_set_init(struct connection_set *set, struct event_base *base,
                         struct gather *gather)
{
    *set = (struct connection_set){.base = base, .gather = gather};
    for (int state = 0; state < CONNECTION_STATE_COUNT; state++)
        TAILQ_INIT(&set->lists[state]);
    set->read_buffer = memory_allocate(POLICY_REQUEST_MAX, 1);
}

void connection_set_deinit(struct connection_set *set)
{
    set->on_empty = NULL;
    for (int state = 0; state < CONNECTION_STATE_COUNT; state++)
        while (!TAILQ_EMPTY(&set->lists[state]))
            connection_close(TAILQ_FIRST(&set->lists[state]));
    if (set->sweep_timer)
        event_free(set->sweep_timer);
    free(set->read_buffer);
}

void connection_set_apply_limits(struct connection_set *set,
                                 const struct connection_limits *limits)
{
    set->limits = *limits;
    while (set->count > limits->maximum && connection_set_make_room(set))
        ;
}

static void on_sweep_timer(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    connection_set_sweep(context, clock_monotonic_ms());
}

void connection_set_start_sweeping(struct connection_set *set)
{
    const struct timeval interval = {.tv_sec = SWEEP_INTERVAL_S};
    set->sweep_timer = event_new(set->base, -1, EV_PERSIST, on_sweep_timer, set);
    if (!set->sweep_timer || event_add(set->sweep_timer, &interval) != 0)
        log_warning("policyd: no timer: idle connections are not closed");
}

static void sweep_list(struct connection_set *set, enum connection_state state,
                       int64_t before_ms)
{
    struct connection *connection;
    while ((connection = TAILQ_FIRST(&set->lists[state])) && connection->since_ms < before_ms) {
        if (state != CONNECTION_IDLE)
            connection_log_problem(connection, state == CONNECTION_RECEIVING
                                                   ? "its request does not end"
                                                   : "it does not take its reply");
        COUNT(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_TIMED_OUT);
        connection_close(connection);
    }
}

void connection_set_sweep(struct connection_set *set, int64_t now_ms)
{
    sweep_list(set, CONNECTION_IDLE, now_ms - set->limits.idle_ms);
    sweep_list(set, CONNECTION_RECEIVING, now_ms - set->limits.request_ms);
    sweep_list(set, CONNECTION_SENDING, now_ms - set->limits.request_ms);
}

bool connection_set_make_room(struct connection_set *set)
{
    static const enum connection_state order[] = {CONNECTION_IDLE, CONNECTION_RECEIVING};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct connection *connection = TAILQ_FIRST(&set->lists[order[i]]);
        if (connection) {
            connection_close(connection);
            COUNT(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_MADE_ROOM);
            return true;
        }
    }
    return false;
}

void connection_set_take(struct connection_set *set, int fd, bool is_about_addresses)
{
    if (set->count >= set->limits.maximum && !connection_set_make_room(set)) {
        close(fd);
        return;
    }
    struct connection *connection = connection_open(set, fd, fd);
    if (connection)
        connection->session.is_about_addresses = is_about_addresses;
}

void connection_set_drain(struct connection_set *set)
{
    static const enum connection_state waiting[] = {CONNECTION_IDLE, CONNECTION_RECEIVING};
    set->is_draining = true;
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        struct connection *connection, *next;
        for (connection = TAILQ_FIRST(&set->lists[waiting[i]]); connection; connection = next) {
            next = TAILQ_NEXT(connection, link);
            connection_finish(connection);
        }
    }
    if (set->count == 0 && set->on_empty)
        set->on_empty(set->on_empty_context);
}

void connection_set_add(struct connection_set *set, struct connection *connection,
                        int64_t now_ms)
{
    set->count++;
    COUNT(CONNECTIONS_ACCEPTED, COUNTED_POLICY);
    connection->state = CONNECTION_IDLE;
    connection->since_ms = now_ms;
    TAILQ_INSERT_TAIL(&set->lists[CONNECTION_IDLE], connection, link);
}

void connection_set_move(struct connection_set *set, struct connection *connection,
                         enum connection_state state, int64_t now_ms)
{
    TAILQ_REMOVE(&set->lists[connection->state], connection, link);
    connection->state = state;
    connection->since_ms = now_ms;
    TAILQ_INSERT_TAIL(&set->lists[state], connection, link);
}

void connection_set_remove(struct connection_set *set, struct connection *connection)
{
    TAILQ_REMOVE(&set->lists[connection->state], connection, link);
    set->count--;
    if (set->count == 0 && set->on_empty)
        set->on_empty(set->on_empty_context);
}
