#include "policyd/socketmap_server.h"

#include "common/buffer.h"
#include "common/endpoint.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/listen_socket.h"
#include "host/log.h"
#include "policyd/counters.h"
#include "policyd/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX    (SOCKETMAP_REQUEST_MAX + 8) /* with length, colon and comma */
#define OUTPUT_MAX   (2 * SOCKETMAP_REPLY_MAX)
#define ACCEPT_BATCH 64

struct socketmap_listener {
    struct endpoint endpoint;
    struct listen_socket socket;
    struct event *event;
};

struct socketmap_connection {
    TAILQ_ENTRY(socketmap_connection) link;
    struct socketmap_server *server;
    int fd;
    struct event *event;
    struct buffer input, output;
    struct socketmap_inquiry inquiry;
    bool is_waiting; /* for the answer to the inquiry */
    bool is_in_turn; /* below process(): an answer need not begin another */
};

TAILQ_HEAD(socketmap_connections, socketmap_connection);

struct socketmap_server {
    struct event_base *base;
    struct counters *counters;
    struct socketmap_maps *maps; /* NULL: not started */
    struct socketmap_listener **listeners;
    size_t listener_count;
    struct socketmap_connections connections; /* the one that was idle longest first */
    size_t count;
};

static void on_client(int fd, short events, void *context);
static void on_ready(int fd, short events, void *context);
static void on_answer(void *context, enum socketmap_status status, struct slice text);

/* -- connections -------------------------------------------------------------------------- */

static void close_connection(struct socketmap_connection *connection)
{
    struct socketmap_server *server = connection->server;
    socketmap_inquiry_cancel(&connection->inquiry);
    if (connection->event)
        event_free(connection->event);
    close(connection->fd);
    buffer_free(&connection->input);
    buffer_free(&connection->output);
    TAILQ_REMOVE(&server->connections, connection, link);
    server->count--;
    free(connection);
}

static bool watch(struct socketmap_connection *connection, short events)
{
    event_del(connection->event);
    return event_assign(connection->event, connection->server->base, connection->fd, events,
                        on_ready, connection) == 0 &&
           event_add(connection->event, NULL) == 0;
}

static void open_connection(struct socketmap_server *server, int fd)
{
    struct socketmap_connection *connection = memory_allocate(1, sizeof(*connection));
    if (server->count >= SOCKETMAP_CONNECTIONS_MAX) {
        server->counters->made_room++;
        close_connection(TAILQ_FIRST(&server->connections));
    }
    connection->server = server;
    connection->fd = fd;
    connection->input = BUFFER_WITH_MAXIMUM(INPUT_MAX);
    connection->output = BUFFER_WITH_MAXIMUM(OUTPUT_MAX);
    connection->inquiry.callback = on_answer;
    connection->inquiry.context = connection;
    TAILQ_INSERT_TAIL(&server->connections, connection, link);
    server->count++;
    connection->event = event_new(server->base, fd, EV_READ, on_ready, connection);
    if (!connection->event || event_add(connection->event, NULL) != 0)
        close_connection(connection);
}

/* False: the client is gone. */
static bool flush_output(struct socketmap_connection *connection)
{
    struct buffer *output = &connection->output;
    while (output->length > 0) {
        ssize_t sent = send(connection->fd, output->data, output->length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        buffer_consume(output, (size_t)sent);
    }
    return true;
}

static void refuse(struct socketmap_connection *connection)
{
    char peer[PEER_TEXT_SIZE];
    peer_format(connection->fd, peer);
    log_warning("policyd: socketmap connection of %s closed: not a socketmap request", peer);
    connection->server->counters->invalid++;
}

/* Answers until the bytes are used up or an answer has to be waited for. False: it cannot go
 * on. */
static bool answer_requests(struct socketmap_connection *connection)
{
    struct buffer *input = &connection->input;
    while (!connection->is_waiting && input->length > 0 && connection->output.length == 0) {
        struct socketmap_request request;
        switch (socketmap_request_parse(input->data, input->length, &request)) {
        case SOCKETMAP_MORE:
            return true;
        case SOCKETMAP_INVALID:
            refuse(connection);
            return false;
        case SOCKETMAP_DONE:
            break;
        }
        connection->is_waiting = true;
        socketmap_maps_ask(connection->server->maps, &request, clock_monotonic_ms(),
                           &connection->inquiry);
        buffer_consume(input, request.taken);
        if (!flush_output(connection))
            return false;
    }
    return true;
}

static void process(struct socketmap_connection *connection)
{
    connection->is_in_turn = true;
    bool is_good = answer_requests(connection);
    connection->is_in_turn = false;
    if (is_good && connection->is_waiting)
        return;
    if (!is_good || !watch(connection, connection->output.length > 0 ? EV_WRITE : EV_READ))
        close_connection(connection);
}

static void on_answer(void *context, enum socketmap_status status, struct slice text)
{
    struct socketmap_connection *connection = context;
    connection->is_waiting = false;
    connection->server->counters->socketmap_requests++;
    socketmap_reply_append(&connection->output, status, text);
    if (connection->is_in_turn)
        return;
    if (flush_output(connection))
        process(connection);
    else
        close_connection(connection);
}

static void read_input(struct socketmap_connection *connection)
{
    char bytes[INPUT_MAX];
    struct socketmap_server *server = connection->server;
    size_t room = INPUT_MAX - connection->input.length;
    ssize_t length = recv(connection->fd, bytes, room, 0);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        event_add(connection->event, NULL);
        return;
    }
    if (length <= 0 || !buffer_append(&connection->input, bytes, (size_t)length)) {
        close_connection(connection);
        return;
    }
    TAILQ_REMOVE(&server->connections, connection, link);
    TAILQ_INSERT_TAIL(&server->connections, connection, link);
    process(connection);
}

static void on_ready(int fd, short events, void *context)
{
    struct socketmap_connection *connection = context;
    (void)fd;
    if (!(events & EV_WRITE))
        read_input(connection);
    else if (flush_output(connection))
        process(connection);
    else
        close_connection(connection);
}

/* -- listeners ---------------------------------------------------------------------------- */

static void on_client(int listening_fd, short events, void *context)
{
    struct socketmap_server *server = context;
    const int on = 1;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* no harm to others */
        open_connection(server, fd);
    }
}

static void close_listener(struct socketmap_listener *listener)
{
    if (listener->event)
        event_free(listener->event);
    listen_socket_close(&listener->socket, &listener->endpoint);
    endpoint_release(&listener->endpoint);
    free(listener);
}

static struct socketmap_listener *open_listener(struct socketmap_server *server,
                                                const struct endpoint *endpoint,
                                                const struct socket_settings *settings,
                                                struct error *error)
{
    struct socketmap_listener *listener = memory_allocate(1, sizeof(*listener));
    listener->socket.fd = -1;
    if (endpoint_parse(slice_from_string(endpoint->text), &listener->endpoint, error) &&
        listen_socket_open(&listener->endpoint, settings, &listener->socket, error)) {
        listener->event = event_new(server->base, listener->socket.fd, EV_READ | EV_PERSIST,
                                    on_client, server);
        if (listener->event && (!server->maps || event_add(listener->event, NULL) == 0))
            return listener;
        error_set(error, "%s: the event loop does not take it", endpoint->text);
    }
    close_listener(listener);
    return NULL;
}

static struct socketmap_listener *find_listener(const struct socketmap_server *server,
                                                const struct endpoint *endpoint)
{
    for (size_t i = 0; i < server->listener_count; i++)
        if (endpoint_equals(&server->listeners[i]->endpoint, endpoint))
            return server->listeners[i];
    return NULL;
}

static bool is_among(struct socketmap_listener *const *items, size_t count,
                     const struct socketmap_listener *listener)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == listener)
            return true;
    return false;
}

static void close_others(struct socketmap_listener **items, size_t count,
                         struct socketmap_listener *const *kept, size_t kept_count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_among(kept, kept_count, items[i]))
            close_listener(items[i]);
    free(items);
}

bool socketmap_server_apply(struct socketmap_server *server,
                            const struct socketmap_settings *settings,
                            struct error_list *errors)
{
    const struct endpoint_list *endpoints = &settings->listen;
    struct socketmap_listener **items =
        memory_allocate(endpoints->count + 1, sizeof(struct socketmap_listener *));
    size_t count = 0;
    bool is_good = true;
    for (size_t i = 0; i < endpoints->count; i++) {
        struct error error = {""};
        struct socketmap_listener *listener = find_listener(server, &endpoints->items[i]);
        if (listener && is_among(items, count, listener))
            continue; /* listed twice */
        if (!listener)
            listener = open_listener(server, &endpoints->items[i], &settings->socket, &error);
        if (listener) {
            items[count++] = listener;
        } else {
            error_list_add(errors, "socketmap.listen[%zu]: %s", i, error.text);
            is_good = false;
        }
    }
    if (!is_good) {
        close_others(items, count, server->listeners, server->listener_count);
        return false;
    }
    close_others(server->listeners, server->listener_count, items, count);
    server->listeners = items;
    server->listener_count = count;
    return true;
}

/* -- for everybody ------------------------------------------------------------------------ */

struct socketmap_server *socketmap_server_create(struct event_base *base,
                                                 struct counters *counters)
{
    struct socketmap_server *server = memory_allocate(1, sizeof(*server));
    server->base = base;
    server->counters = counters;
    TAILQ_INIT(&server->connections);
    return server;
}

void socketmap_server_start(struct socketmap_server *server, struct socketmap_maps *maps)
{
    server->maps = maps;
    for (size_t i = 0; i < server->listener_count; i++)
        event_add(server->listeners[i]->event, NULL);
}

void socketmap_server_stop(struct socketmap_server *server)
{
    close_others(server->listeners, server->listener_count, NULL, 0);
    server->listeners = NULL;
    server->listener_count = 0;
}

void socketmap_server_free(struct socketmap_server *server)
{
    if (!server)
        return;
    socketmap_server_stop(server);
    while (!TAILQ_EMPTY(&server->connections))
        close_connection(TAILQ_FIRST(&server->connections));
    free(server);
}
