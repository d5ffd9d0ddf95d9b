#include "policyd/stream_server.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/listener.h"
#include "policyd/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE        16384
#define SWEEP_INTERVAL_S 1
#define DRAIN_READS      16

enum client_state {
    CLIENT_IDLE,       /* nothing of a request has arrived */
    CLIENT_UNFINISHED, /* part of a request has, or part of an answer was taken */
    CLIENT_ASKING,     /* a request waits for its answer, which has a deadline of its own */
    CLIENT_STATE_COUNT
};

struct stream_client {
    TAILQ_ENTRY(stream_client) link;
    struct stream_server *server;
    enum client_state state;
    int64_t since_ms;
    int fd;
    struct event *event;
    struct buffer input, output;
    bool is_waiting; /* for the answer to its request */
    bool is_in_turn; /* below process(): an answer need not begin another */
    bool is_ending;  /* closed after its output */
    bool has_progressed;
    max_align_t own[];
};

TAILQ_HEAD(client_list, stream_client);

struct stream_server {
    struct event_base *base;
    const struct stream_protocol *protocol;
    void *context;
    struct listener_set listeners;
    struct client_list clients[CLIENT_STATE_COUNT]; /* those longest in that state first */
    size_t count;
    int64_t idle_ms, request_ms;
    struct event *sweep_timer;
};

static void on_ready(int fd, short events, void *context);

/* -- clients ------------------------------------------------------------------------------ */

static void close_client(struct stream_client *client)
{
    struct stream_server *server = client->server;
    server->protocol->forget(server->context, client);
    if (client->event)
        event_free(client->event);
    close(client->fd);
    buffer_free(&client->input);
    buffer_free(&client->output);
    TAILQ_REMOVE(&server->clients[client->state], client, link);
    server->count--;
    free(client);
}

static void log_problem(const struct stream_client *client, const char *problem)
{
    char peer[PEER_TEXT_SIZE];
    if (client->server->protocol->is_quiet)
        return;
    peer_format(client->fd, peer);
    log_warning("policyd: %s connection of %s closed: %s", client->server->protocol->name, peer,
                problem);
}

static void move_client(struct stream_client *client, enum client_state state)
{
    struct stream_server *server = client->server;
    TAILQ_REMOVE(&server->clients[client->state], client, link);
    client->state = state;
    client->since_ms = clock_monotonic_ms();
    TAILQ_INSERT_TAIL(&server->clients[state], client, link);
}

static bool watch(struct stream_client *client, short events)
{
    event_del(client->event);
    return event_assign(client->event, client->server->base, client->fd, events, on_ready,
                        client) == 0 &&
           event_add(client->event, NULL) == 0;
}

static bool make_room(void *context)
{
    struct stream_server *server = context;
    for (int state = CLIENT_IDLE; state < CLIENT_ASKING; state++) {
        struct stream_client *client = TAILQ_FIRST(&server->clients[state]);
        if (client) {
            COUNT(CONNECTIONS_CLOSED, server->protocol->counted_as, CLOSED_MADE_ROOM);
            close_client(client);
            return true;
        }
    }
    return false;
}

static void take_client(void *context, int fd)
{
    struct stream_server *server = context;
    const struct stream_protocol *protocol = server->protocol;
    if (server->count >= protocol->clients_max && !make_room(server)) {
        close(fd);
        return;
    }
    struct stream_client *client = memory_allocate(1, sizeof(*client) + protocol->state_size);
    client->server = server;
    client->fd = fd;
    client->input = BUFFER_WITH_MAXIMUM(protocol->input_max);
    client->output = BUFFER_WITH_MAXIMUM(protocol->output_max);
    client->since_ms = clock_monotonic_ms();
    TAILQ_INSERT_TAIL(&server->clients[CLIENT_IDLE], client, link);
    server->count++;
    COUNT(CONNECTIONS_ACCEPTED, server->protocol->counted_as);
    client->event = event_new(server->base, fd, EV_READ, on_ready, client);
    if (!client->event || event_add(client->event, NULL) != 0)
        close_client(client);
}

/* False: the client is gone. */
static bool flush_output(struct stream_client *client)
{
    struct buffer *output = &client->output;
    size_t used = 0;
    while (used < output->length) {
        ssize_t sent =
            send(client->fd, output->data + used, output->length - used, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (sent < 0)
            break;
        used += (size_t)sent;
    }
    if (used == output->length)
        buffer_free(output); /* most clients are idle most of the time */
    else
        buffer_consume(output, used);
    return true;
}

static bool refuse(struct stream_client *client)
{
    char problem[64];
    snprintf(problem, sizeof(problem), "not a %s request", client->server->protocol->name);
    log_problem(client, problem);
    COUNT(CONNECTIONS_CLOSED, client->server->protocol->counted_as, CLOSED_INVALID);
    client->is_ending = true;
    return flush_output(client);
}

/* Answers until the bytes are used up or an answer has to be waited for. False: it cannot go
 * on. */
static bool answer_requests(struct stream_client *client)
{
    const struct stream_protocol *protocol = client->server->protocol;
    struct buffer *input = &client->input;
    while (!client->is_waiting && !client->is_ending && input->length > 0 &&
           client->output.length == 0) {
        size_t taken = 0;
        client->is_waiting = true;
        enum stream_take result =
            protocol->take(client->server->context, client, input->data, input->length, &taken);
        if (result != STREAM_TAKEN)
            client->is_waiting = false;
        if (result == STREAM_MORE && input->length < input->maximum)
            return true;
        if (result == STREAM_END)
            return false;
        if (result != STREAM_TAKEN)
            return refuse(client);
        buffer_consume(input, taken);
        client->has_progressed = true;
        if (!flush_output(client))
            return false;
    }
    return true;
}

/* What it waits for now. False: nothing, or it cannot be watched. */
static bool settle(struct stream_client *client)
{
    enum client_state state = CLIENT_IDLE;
    if (client->is_waiting)
        state = CLIENT_ASKING;
    else if (client->output.length > 0 || client->input.length > 0)
        state = CLIENT_UNFINISHED;
    else
        buffer_free(&client->input);
    /* A request that arrives byte by byte is no sign of life. */
    if (client->has_progressed || state != client->state)
        move_client(client, state);
    client->has_progressed = false;
    if (state == CLIENT_ASKING)
        return true;
    return watch(client, client->output.length > 0 ? EV_WRITE : EV_READ);
}

/* To close a socket with bytes in it that nobody read would take our last answer away from the
 * client. */
static void drain(int fd)
{
    char bytes[READ_SIZE];
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < DRAIN_READS && recv(fd, bytes, sizeof(bytes), 0) > 0; i++)
        ;
}

static void process(struct stream_client *client)
{
    client->is_in_turn = true;
    bool is_good = answer_requests(client);
    client->is_in_turn = false;
    if (client->is_ending && client->output.length == 0) {
        drain(client->fd);
        is_good = false;
    }
    if (!is_good || !settle(client))
        close_client(client);
}

static void read_input(struct stream_client *client)
{
    char bytes[READ_SIZE];
    size_t room = client->input.maximum - client->input.length;
    ssize_t length = recv(client->fd, bytes, room < READ_SIZE ? room : READ_SIZE, 0);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        event_add(client->event, NULL);
        return;
    }
    if (length <= 0 || !buffer_append(&client->input, bytes, (size_t)length))
        close_client(client);
    else
        process(client);
}

static void on_ready(int fd, short events, void *context)
{
    struct stream_client *client = context;
    (void)fd;
    if (!(events & EV_WRITE))
        read_input(client);
    else if (flush_output(client))
        process(client);
    else
        close_client(client);
}

/* -- for protocols ------------------------------------------------------------------------ */

void *stream_client_context(struct stream_client *client)
{
    return client->server->context;
}

void *stream_client_state(struct stream_client *client)
{
    return client->own;
}

void stream_client_send(struct stream_client *client, const void *bytes, size_t length)
{
    if (!buffer_append(&client->output, bytes, length))
        log_error("policyd: %s: an answer is too long", client->server->protocol->name);
}

void stream_client_end(struct stream_client *client)
{
    client->is_ending = true;
}

void stream_client_answered(struct stream_client *client)
{
    client->is_waiting = false;
    if (client->is_in_turn)
        return;
    if (flush_output(client))
        process(client);
    else
        close_client(client);
}

/* -- limits ------------------------------------------------------------------------------- */

static void sweep(struct stream_server *server, enum client_state state, int64_t before_ms)
{
    struct stream_client *client;
    while ((client = TAILQ_FIRST(&server->clients[state])) && client->since_ms < before_ms) {
        if (state == CLIENT_UNFINISHED)
            log_problem(client, client->output.length > 0 ? "it does not take its answer"
                                                          : "its request does not end");
        COUNT(CONNECTIONS_CLOSED, server->protocol->counted_as, CLOSED_TIMED_OUT);
        close_client(client);
    }
}

static void on_sweep_timer(int fd, short events, void *context)
{
    struct stream_server *server = context;
    int64_t now_ms = clock_monotonic_ms();
    (void)fd;
    (void)events;
    sweep(server, CLIENT_IDLE, now_ms - server->idle_ms);
    sweep(server, CLIENT_UNFINISHED, now_ms - server->request_ms);
}

void stream_server_set_limits(struct stream_server *server, int64_t idle_ms, int64_t request_ms)
{
    const struct timeval interval = {.tv_sec = SWEEP_INTERVAL_S};
    server->idle_ms = idle_ms;
    server->request_ms = request_ms;
    if (server->sweep_timer)
        return;
    server->sweep_timer = event_new(server->base, -1, EV_PERSIST, on_sweep_timer, server);
    if (!server->sweep_timer || event_add(server->sweep_timer, &interval) != 0)
        log_warning("policyd: no timer: idle %s connections are not closed",
                    server->protocol->name);
}

/* -- life --------------------------------------------------------------------------------- */

struct stream_server *stream_server_create(struct event_base *base,
                                           const struct stream_protocol *protocol,
                                           void *context)
{
    struct stream_server *server = memory_allocate(1, sizeof(*server));
    const struct listener_owner owner = {protocol->name, server, take_client, make_room};
    server->base = base;
    server->protocol = protocol;
    server->context = context;
    for (int state = 0; state < CLIENT_STATE_COUNT; state++)
        TAILQ_INIT(&server->clients[state]);
    listener_set_init(&server->listeners, base, &owner);
    return server;
}

bool stream_server_apply(struct stream_server *server, const struct endpoint_list *endpoints,
                         const struct socket_settings *settings, struct error_list *errors)
{
    return listener_set_apply(&server->listeners, endpoints, settings, errors);
}

size_t stream_server_count(const struct stream_server *server)
{
    return server->count;
}

void stream_server_stop(struct stream_server *server)
{
    listener_set_close(&server->listeners);
}

void stream_server_free(struct stream_server *server)
{
    if (!server)
        return;
    stream_server_stop(server);
    for (int state = 0; state < CLIENT_STATE_COUNT; state++)
        while (!TAILQ_EMPTY(&server->clients[state]))
            close_client(TAILQ_FIRST(&server->clients[state]));
    if (server->sweep_timer)
        event_free(server->sweep_timer);
    free(server);
}
