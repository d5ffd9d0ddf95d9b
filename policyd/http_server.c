#include "policyd/http_server.h"

#include "common/error_list.h"
#include "common/memory.h"
#include "host/log.h"
#include "policyd/http_answer.h"
#include "policyd/stream_server.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define IDLE_MS    60000
#define REQUEST_MS 10000 /* for a request to arrive, and for its answer to be taken */
#define NICE       10    /* of the thread: the policy service goes first */

struct http_server {
    struct event_base *base;
    struct stream_protocol protocol;
    struct stream_server *stream;
    struct http_answerer *answerer; /* NULL: not running */
    pthread_t thread;
    int stop_fd; /* becomes readable when the thread shall end */
    struct event *stop_event;
};

/* -- HTTP on a stream --------------------------------------------------------------------- */

static enum stream_take take(void *context, struct stream_client *client, const char *data,
                             size_t length, size_t *taken_r)
{
    struct http_server *server = context;
    struct http_request request;
    struct http_reply reply;
    int status = 0;
    enum http_parse parse = http_request_parse(data, length, &request, &status);
    if (parse == HTTP_MORE)
        return STREAM_MORE;
    http_answerer_answer(server->answerer, &request, status, &reply);
    stream_client_send(client, reply.head, reply.head_length);
    if (!request.is_head)
        stream_client_send(client, reply.body.data, reply.body.length);
    if (!reply.is_keep_alive)
        stream_client_end(client);
    http_reply_release(&reply);
    *taken_r = parse == HTTP_DONE ? request.taken : length;
    stream_client_answered(client);
    return STREAM_TAKEN;
}

static void forget(void *context, struct stream_client *client)
{
    (void)context;
    (void)client;
}

/* -- the thread --------------------------------------------------------------------------- */

static void on_stop(int fd, short events, void *context)
{
    struct http_server *server = context;
    eventfd_t count;
    (void)events;
    eventfd_read(fd, &count);
    event_base_loopbreak(server->base);
}

static void *run(void *context)
{
    struct http_server *server = context;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of a thread: see setpriority(2) */
    event_base_dispatch(server->base);
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct http_server *server)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&server->thread, NULL, run, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

void http_server_start(struct http_server *server, const struct config *config,
                       struct stress_monitor *monitor)
{
    if (config->http.listen.count == 0)
        return;
    server->answerer = http_answerer_create(config, monitor);
    int problem = start_thread(server);
    if (problem == 0)
        return;
    log_warning("policyd: no thread for the page: %s", strerror(problem));
    http_answerer_free(server->answerer);
    server->answerer = NULL;
}

void http_server_stop(struct http_server *server)
{
    if (!server || !server->answerer)
        return;
    eventfd_write(server->stop_fd, 1);
    pthread_join(server->thread, NULL);
    http_answerer_free(server->answerer);
    server->answerer = NULL;
}

/* -- life --------------------------------------------------------------------------------- */

static struct event_base *open_base(void)
{
    struct event_config *event_config = event_config_new();
    if (!event_config)
        return NULL;
    event_config_set_flag(event_config, EVENT_BASE_FLAG_NOLOCK); /* one thread at a time */
    struct event_base *base = event_base_new_with_config(event_config);
    event_config_free(event_config);
    return base;
}

struct http_server *http_server_create(void)
{
    struct http_server *server = memory_allocate(1, sizeof(*server));
    server->protocol = (struct stream_protocol){
        .name = "http",
        .counted_as = COUNTED_HTTP,
        .is_quiet = true,
        .input_max = HTTP_REQUEST_MAX,
        .output_max = HTTP_REPLY_MAX,
        .clients_max = 1,
        .take = take,
        .forget = forget,
    };
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->base = open_base();
    if (server->base && server->stop_fd >= 0)
        server->stop_event =
            event_new(server->base, server->stop_fd, EV_READ | EV_PERSIST, on_stop, server);
    if (!server->stop_event || event_add(server->stop_event, NULL) != 0) {
        http_server_free(server);
        return NULL;
    }
    server->stream = stream_server_create(server->base, &server->protocol, server);
    stream_server_set_limits(server->stream, IDLE_MS, REQUEST_MS);
    return server;
}

void http_server_open(struct http_server *server, const struct http_settings *settings)
{
    struct error_list errors;
    error_list_init(&errors);
    server->protocol.clients_max = (size_t)settings->max_connections;
    if (stream_server_apply(server->stream, &settings->listen, &settings->socket, &errors))
        return;
    for (size_t i = 0; i < errors.count; i++)
        log_warning("policyd: the page is not shown there: %s", errors.errors[i].text);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server);
    stream_server_free(server->stream);
    if (server->stop_event)
        event_free(server->stop_event);
    if (server->base)
        event_base_free(server->base);
    if (server->stop_fd >= 0)
        close(server->stop_fd);
    free(server);
}
