/*
 * listener - the sockets on which policy clients connect, any number of them.
 *
 * Out of file descriptors, the longest idle connection gives up its own; if none can, accepting
 * pauses for a moment instead of spinning. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_LISTENER_H
#define POSTVALVE_POLICYD_LISTENER_H

#include "common/config.h"
#include "common/error_list.h"
#include "host/listen_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection_set;
struct event;
struct event_base;

struct listener {
    struct endpoint endpoint;
    struct listen_socket socket;
    struct event *event;
    struct listener_set *set;
};

struct listener_set {
    struct event_base *base;            /* not owned */
    struct connection_set *connections; /* not owned */
    struct listener **items;
    size_t count;
    struct event *resume_timer;
    int64_t pause_logged_at_ms; /* 0: never */
};

void listener_set_init(struct listener_set *set, struct event_base *base,
                       struct connection_set *connections);
/* Listens on these and on nothing else. What is in both the old and the new list stays open and
 * loses no client. False, with every problem added to errors: then all is as it was. */
bool listener_set_apply(struct listener_set *set, const struct policyd_settings *settings,
                        struct error_list *errors);
/* Closes all; socket files are removed. */
void listener_set_close(struct listener_set *set);

#endif
