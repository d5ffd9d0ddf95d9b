#include "policyd/listener.h"

#include "common/endpoint.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/log.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH        64 /* connections accepted before the others get their turn */
#define PAUSE_MS            200
#define PAUSE_LOG_REPEAT_MS 60000

static void on_resume(int fd, short events, void *context)
{
    struct listener_set *set = context;
    (void)fd;
    (void)events;
    for (size_t i = 0; i < set->count; i++)
        event_add(set->items[i]->event, NULL);
}

void listener_set_init(struct listener_set *set, struct event_base *base,
                       const struct listener_owner *owner)
{
    *set = (struct listener_set){.base = base, .owner = *owner};
    set->resume_timer = event_new(base, -1, 0, on_resume, set);
}

static void pause_accepting(struct listener_set *set, const char *reason)
{
    const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
    int64_t now_ms = clock_monotonic_ms();
    if (!set->resume_timer || event_add(set->resume_timer, &pause) != 0)
        return;
    for (size_t i = 0; i < set->count; i++)
        event_del(set->items[i]->event);
    if (set->pause_logged_at_ms != 0 && now_ms - set->pause_logged_at_ms < PAUSE_LOG_REPEAT_MS)
        return;
    set->pause_logged_at_ms = now_ms;
    log_warning("policyd: no new connections on %s.listen for now: %s: raise the limit of open "
                "files (LimitNOFILE in the unit file) or lower policyd.max_connections",
                set->owner.name, reason);
}

static void take(const struct listener *listener, int fd)
{
    const struct listener_owner *owner = &listener->set->owner;
    const int on = 1;
    if (listener->endpoint.type == ENDPOINT_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    owner->take(owner->context, fd);
}

/* True: go on accepting. */
static bool handle_failure(struct listener *listener)
{
    const struct listener_owner *owner = &listener->set->owner;
    const char *reason = strerror(errno);
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
        if (owner->make_room(owner->context))
            return true;
        pause_accepting(listener->set, reason);
        return false;
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(listener->set, reason);
        return false;
    default: /* that client is gone, or the network it came from; see accept(2) */
        return true;
    }
}

static void on_client(int listening_fd, short events, void *context)
{
    struct listener *listener = context;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            take(listener, fd);
        else if (!handle_failure(listener))
            return;
    }
}

static void close_listener(struct listener *listener)
{
    if (listener->event)
        event_free(listener->event);
    listen_socket_close(&listener->socket, &listener->endpoint);
    endpoint_release(&listener->endpoint);
    free(listener);
}

static struct listener *open_listener(struct listener_set *set, const struct endpoint *endpoint,
                                      const struct socket_settings *socket_settings,
                                      struct error *error)
{
    struct listener *listener = memory_allocate(1, sizeof(*listener));
    listener->set = set;
    listener->socket.fd = -1;
    if (endpoint_parse(slice_from_string(endpoint->text), &listener->endpoint, error) &&
        listen_socket_open(&listener->endpoint, socket_settings, &listener->socket, error)) {
        listener->event = event_new(set->base, listener->socket.fd, EV_READ | EV_PERSIST,
                                    on_client, listener);
        if (listener->event && event_add(listener->event, NULL) == 0)
            return listener;
        error_set(error, "%s: the event loop does not take it", endpoint->text);
    }
    close_listener(listener);
    return NULL;
}

static struct listener *find_open(const struct listener_set *set,
                                  const struct endpoint *endpoint)
{
    for (size_t i = 0; i < set->count; i++)
        if (endpoint_equals(&set->items[i]->endpoint, endpoint))
            return set->items[i];
    return NULL;
}

static bool is_among(struct listener *const *items, size_t count,
                     const struct listener *listener)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == listener)
            return true;
    return false;
}

/* Closes what is in items and not among the kept ones. */
static void close_others(struct listener **items, size_t count, struct listener *const *kept,
                         size_t kept_count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_among(kept, kept_count, items[i]))
            close_listener(items[i]);
    free(items);
}

static bool adopt(struct listener *listener, const struct socket_settings *settings,
                  struct error *error)
{
    return listener->endpoint.type != ENDPOINT_UNIX ||
           listen_socket_set_owner(&listener->endpoint, settings, error);
}

bool listener_set_apply(struct listener_set *set, const struct endpoint_list *endpoints,
                        const struct socket_settings *settings, struct error_list *errors)
{
    struct listener **items = memory_allocate(endpoints->count + 1, sizeof(struct listener *));
    size_t count = 0;
    bool is_good = true;

    for (size_t i = 0; i < endpoints->count; i++) {
        struct error error = {""};
        struct listener *listener = find_open(set, &endpoints->items[i]);
        if (is_among(items, count, listener) && listener)
            continue; /* listed twice */
        if (!listener)
            listener = open_listener(set, &endpoints->items[i], settings, &error);
        else if (!adopt(listener, settings, &error))
            listener = NULL;
        if (listener) {
            items[count++] = listener;
        } else {
            error_list_add(errors, "%s.listen[%zu]: %s", set->owner.name, i, error.text);
            is_good = false;
        }
    }
    if (!is_good) {
        close_others(items, count, set->items, set->count);
        return false;
    }
    struct listener **before = set->items;
    size_t before_count = set->count;
    set->items = items;
    set->count = count;
    close_others(before, before_count, items, count);
    return true;
}

void listener_set_close(struct listener_set *set)
{
    close_others(set->items, set->count, NULL, 0);
    set->items = NULL;
    set->count = 0;
    if (set->resume_timer)
        event_free(set->resume_timer);
    set->resume_timer = NULL;
}
