/*
 * session - one SMTP connection, seen from the client: bytes in and out, whole replies.
 *
 * It knows no SMTP beyond the form of a reply (RFC 5321, 4.2) and has no deadline of its own.
 * The owner embeds it, is called back from the event loop, and may close it in any callback;
 * to open it again it must have returned to the loop.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_SESSION_H
#define POSTVALVE_T_BENCH_FLOOD_SESSION_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define SESSION_INPUT_SIZE 1024 /* longer lines are cut */

struct session_handler {
    void (*connected)(void *owner);
    void (*reply)(void *owner, int code);
    void (*ended)(void *owner); /* by the server or the network; already closed */
};

struct session {
    int descriptor; /* -1: closed */
    bool is_connected;
    bool has_server_closed;
    const struct session_handler *handler;
    void *owner;
    struct event input, output;
    struct evbuffer *unsent; /* NULL: all is sent */
    size_t length;
    char line[SESSION_INPUT_SIZE];
};

void session_initialize(struct session *session, const struct session_handler *handler,
                        void *owner);
bool session_is_open(const struct session *session);

/* False with errno when there can be no connection; nothing is called back then. */
bool session_open(struct session *session, struct event_base *base,
                  const struct sockaddr_in *source, const struct sockaddr_in *server);
void session_send(struct session *session, const char *data, size_t size);
void session_close(struct session *session);

#endif
