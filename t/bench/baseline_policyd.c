/*
 * baseline_policyd: a policy server that does nothing, to compare postvalve-policyd with.
 *
 * libevent, one thread, one plain persistent read event per connection. It looks for the
 * empty line that ends a request and answers DUNNO; with --redis it first asks Redis for
 * six fields of the client's key, one EVALSHA (or --plain-read: one HMGET) per request.
 * It is meant to be hard to beat: bytes are read into one shared buffer and only a request
 * cut in two is ever copied into memory of the connection.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "t/bench/baseline_redis.h"
#include "t/bench/bench_socket.h"

#define REQUEST_MAX    4096
#define ACCEPT_AT_ONCE 64

static const char answer[] = "action=DUNNO\n\n";
static const char address_name[] = "\nclient_address=";

struct baseline_connection {
    struct event event;
    int fd;
    bool is_waiting; /* for Redis */
    bool is_closed;  /* by the client, while waiting */
    uint16_t held_size;
    char *held; /* the beginning of a request cut in two, else NULL */
};

static char shared_buffer[REQUEST_MAX + 1];
static bool is_redis_used;

static void connection_free(struct baseline_connection *connection)
{
    free(connection->held);
    free(connection);
}

static void connection_close(struct baseline_connection *connection)
{
    (void)event_del(&connection->event);
    (void)close(connection->fd);
    if (connection->is_waiting) {
        connection->is_closed = true;
    } else {
        connection_free(connection);
    }
}

static void connection_answer(struct baseline_connection *connection)
{
    if (send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) !=
        (ssize_t)sizeof answer - 1) {
        connection_close(connection);
    }
}

static void on_redis_answer(void *argument, bool is_ok)
{
    struct baseline_connection *connection = argument;

    connection->is_waiting = false;
    if (connection->is_closed) {
        connection_free(connection);
    } else if (is_ok) {
        connection_answer(connection);
    } else {
        connection_close(connection);
    }
}

static void ask_redis(struct baseline_connection *connection, const char *request, size_t size)
{
    const char *address = memmem(request, size, address_name, sizeof address_name - 1);

    if (address == NULL) {
        connection_close(connection);
        return;
    }
    address += sizeof address_name - 1;
    size_t left = size - (size_t)(address - request);
    size_t address_size = (size_t)((const char *)memchr(address, '\n', left) - address);
    connection->is_waiting = true;
    if (!baseline_redis_ask(address, address_size, on_redis_answer, connection)) {
        connection->is_waiting = false;
        connection_close(connection);
    }
}

static void hold(struct baseline_connection *connection, const char *bytes, size_t size)
{
    if (size == 0) {
        free(connection->held);
        connection->held = NULL;
    } else if (connection->held == NULL && (connection->held = malloc(REQUEST_MAX)) == NULL) {
        bench_die("memory");
    }
    if (size > 0) {
        memcpy(connection->held, bytes, size);
    }
    connection->held_size = (uint16_t)size;
}

/* One request is in flight at a time: what follows the empty line is a protocol error. */
static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct baseline_connection *connection = argument;
    size_t size = connection->held_size;

    (void)what;
    if (size > 0) {
        memcpy(shared_buffer, connection->held, size);
    }
    ssize_t got = read(fd, shared_buffer + size, REQUEST_MAX - size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || connection->is_waiting) {
        connection_close(connection);
        return;
    }
    size_t from = size > 0 ? size - 1 : 0; /* the empty line may be cut in two */
    size += (size_t)got;
    const char *end = memmem(shared_buffer + from, size - from, "\n\n", 2);
    if (end == NULL && size < REQUEST_MAX) {
        hold(connection, shared_buffer, size);
        return;
    }
    if (end != shared_buffer + size - 2) {
        connection_close(connection);
        return;
    }
    if (connection->held_size > 0) {
        hold(connection, NULL, 0);
    }
    if (is_redis_used) {
        ask_redis(connection, shared_buffer, size);
    } else {
        connection_answer(connection);
    }
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
    struct event_base *base = argument;

    (void)what;
    for (unsigned i = 0; i < ACCEPT_AT_ONCE; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) {
            return;
        }
        struct baseline_connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) {
            bench_die("memory");
        }
        connection->fd = accepted;
        if (event_assign(&connection->event, base, accepted, EV_READ | EV_PERSIST, on_readable,
                         connection) != 0 ||
            event_add(&connection->event, NULL) != 0) {
            bench_die("event_add");
        }
    }
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0) {
        base = event_base_new_with_config(config);
    }
    if (base == NULL) {
        bench_die("event_base");
    }
    event_config_free(config);
    return base;
}

static _Noreturn void die_usage(void)
{
    (void)fputs("usage: baseline_policyd --listen unix:PATH|inet:HOST:PORT\n"
                "           [--redis unix:PATH [--plain-read]]\n",
                stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"redis", required_argument, NULL, 'r'},
        {"plain-read", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct bench_address address = {.size = 0};
    const char *redis_path = NULL;
    bool is_plain_read = false;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'l') {
            bench_address_parse(&address, optarg);
        } else if (option == 'r' && strncmp(optarg, "unix:", 5) == 0) {
            redis_path = optarg + 5;
        } else if (option == 'p') {
            is_plain_read = true;
        } else {
            die_usage();
        }
    }
    if (address.size == 0 || optind != argc) {
        die_usage();
    }

    struct event_base *base = new_base();
    if (redis_path != NULL) {
        baseline_redis_open(base, redis_path, is_plain_read);
        is_redis_used = true;
    }
    int fd = bench_socket_listen(&address);
    struct event *listener = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, base);
    if (listener == NULL || event_add(listener, NULL) != 0) {
        bench_die("listener");
    }
    return event_base_dispatch(base) == 0 ? 0 : 1;
}
