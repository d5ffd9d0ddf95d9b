/*
 * connection_set - all policy connections, in the order in which they may have to go.
 *
 * Every state a connection can be in has a list, the one that is in it longest first: finding
 * what has timed out, or what makes room for a new client, never walks over the others. A
 * coarse tick sweeps the lists; no connection has a timer of its own. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_CONNECTION_SET_H
#define POSTVALVE_POLICYD_CONNECTION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct connection;
struct event_base;
struct event;
struct gather;

enum connection_state {
    CONNECTION_IDLE,      /* nothing of a request has arrived */
    CONNECTION_RECEIVING, /* part of a request has arrived */
    CONNECTION_DECIDING,  /* a request waits for its verdict; it has a deadline of its own */
    CONNECTION_SENDING,   /* the client does not take its reply */
    CONNECTION_STATE_COUNT
};

struct connection_limits {
    size_t maximum;
    int64_t idle_ms;    /* IDLE for so long */
    int64_t request_ms; /* RECEIVING or SENDING for so long */
};

TAILQ_HEAD(connection_list, connection);

struct connection_set {
    struct event_base *base; /* not owned; as the two below */
    struct gather *gather;
    struct connection_limits limits;
    struct connection_list lists[CONNECTION_STATE_COUNT];
    size_t count;
    bool is_draining;                /* no connection goes on after its present reply */
    char *read_buffer;               /* POLICY_REQUEST_MAX bytes, for all connections in turn */
    struct event *sweep_timer;       /* NULL: not swept */
    void (*on_empty)(void *context); /* the last one has closed; may be NULL */
    void *on_empty_context;
};

void connection_set_init(struct connection_set *set, struct event_base *base,
                         struct gather *gather);
/* Closes all. */
void connection_set_deinit(struct connection_set *set);
void connection_set_apply_limits(struct connection_set *set,
                                 const struct connection_limits *limits);
/* Sweeps from now on. */
void connection_set_start_sweeping(struct connection_set *set);

/* Closes what has been in its state for too long. now_ms: monotonic. */
void connection_set_sweep(struct connection_set *set, int64_t now_ms);
/* Closes the connection that is idle longest; if none is, the one whose request is unfinished
 * longest; and counts it. False when all the others have a request in work. */
bool connection_set_make_room(struct connection_set *set);
/* Takes a new client over, or closes it where there is no room for one more.
 * is_about_addresses: it came on verify.listen. */
void connection_set_take(struct connection_set *set, int fd, bool is_about_addresses);
/* What has arrived is still answered; then every connection is closed, and on_empty called. */
void connection_set_drain(struct connection_set *set);

/* For connection.c: a new member, a change of state (to the end of that list), the end. */
void connection_set_add(struct connection_set *set, struct connection *connection,
                        int64_t now_ms);
void connection_set_move(struct connection_set *set, struct connection *connection,
                         enum connection_state state, int64_t now_ms);
void connection_set_remove(struct connection_set *set, struct connection *connection);

#endif
