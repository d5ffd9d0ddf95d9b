/*
 * connection - one client of the policy protocol: bytes in, replies out, in order.
 *
 * Input is read into the buffer that all connections share and parsed there; a connection has
 * memory of its own only while part of a request, or of a reply, has to be kept. Nothing is
 * read while a request waits for its verdict or the client does not take a reply, so what a
 * client can make us keep is bounded.
 *
 * A client whose bytes are not a policy request is logged, counted and closed without an
 * answer, as SMTPD_POLICY_README asks of a server in trouble. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_CONNECTION_H
#define POSTVALVE_POLICYD_CONNECTION_H

#include "policyd/connection_set.h"
#include "policyd/session_memory.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct connection_backlog;
struct gather_pending;

struct connection {
    TAILQ_ENTRY(connection) link; /* these four belong to connection_set */
    enum connection_state state;
    int64_t since_ms;
    struct connection_set *set;

    int read_fd, write_fd;              /* the same for a socket */
    bool is_watching;                   /* the event is added */
    struct connection_backlog *backlog; /* NULL unless something has to be kept */
    struct gather_pending *pending;     /* DECIDING */
    struct session_memory session;
    struct event event; /* input; output while SENDING */
};

/* Takes the descriptors over; read_fd and write_fd may be one. They need not be non-blocking:
 * nothing is read that has not been announced. NULL, and they are closed, when the loop cannot
 * watch them. */
struct connection *connection_open(struct connection_set *set, int read_fd, int write_fd);
/* At once; a request in work is dropped. */
void connection_close(struct connection *connection);
/* Answers what has arrived; with the set draining, it is closed then. */
void connection_finish(struct connection *connection);
/* One warning that names the peer. */
void connection_log_problem(const struct connection *connection, const char *problem);

#endif
