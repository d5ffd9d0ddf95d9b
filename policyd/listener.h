/*
 * listener - the sockets on which the clients of one protocol connect, any number of them.
 *
 * Out of file descriptors, the owner closes a connection that it can spare; if there is none,
 * accepting pauses for a moment instead of spinning. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_LISTENER_H
#define POSTVALVE_POLICYD_LISTENER_H

#include "common/config.h"
#include "common/error_list.h"
#include "host/listen_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;

/* Whose clients they are. */
struct listener_owner {
    const char *name; /* group of its settings: "policyd" */
    void *context;
    void (*take)(void *context, int fd); /* a new client; the descriptor is the owner's */
    bool (*make_room)(void *context);    /* false: no connection can be spared */
};

struct listener {
    struct endpoint endpoint;
    struct listen_socket socket;
    struct event *event;
    struct listener_set *set;
};

struct listener_set {
    struct event_base *base; /* not owned */
    struct listener_owner owner;
    struct listener **items;
    size_t count;
    struct event *resume_timer;
    int64_t pause_logged_at_ms; /* 0: never */
};

void listener_set_init(struct listener_set *set, struct event_base *base,
                       const struct listener_owner *owner);
/* Listens on these and on nothing else. What is in both the old and the new list stays open and
 * loses no client. False, with every problem added to errors: then all is as it was. */
bool listener_set_apply(struct listener_set *set, const struct endpoint_list *endpoints,
                        const struct socket_settings *settings, struct error_list *errors);
/* Closes all; socket files are removed. */
void listener_set_close(struct listener_set *set);

#endif
