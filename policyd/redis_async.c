#include "policyd/redis_async.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "policyd/redis_request.h"
#include "redis/redis_connection.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READS_AT_ONCE 4    /* before others get their turn */
#define HASH_SIZE     8192 /* a hash to be written, in wire form */

struct redis_async {
    struct event_base *base;
    struct redis_server *server;
    const struct redis_settings *settings;
    struct redis_connection *connection;
    struct event *read_event, *write_event; /* of the connection, or NULL */
    struct event *flush_event;              /* at the end of this turn of the loop */
    struct event *timer;
    bool is_flush_pending, is_timer_pending, is_ending;
    struct redis_request_line line;
    struct redis_async_counters counters;
};

static void on_readable(evutil_socket_t fd, short what, void *argument);
static void on_writable(evutil_socket_t fd, short what, void *argument);
static void on_flush(evutil_socket_t fd, short what, void *argument);
static void on_timer(evutil_socket_t fd, short what, void *argument);

static void start_timer(struct redis_async *redis, int64_t delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    redis->is_timer_pending = true;
    event_add(redis->timer, &delay);
}

static void line_up(struct redis_async *redis, struct redis_async_request *request)
{
    int64_t deadline_ms = redis->settings->deadline_ms;
    request->sent_us = clock_monotonic_us();
    redis_request_append(&redis->line, request, clock_monotonic_ms() + deadline_ms);
    /* The timer is not moved for each request: it looks for what is due when it comes. */
    if (!redis->is_timer_pending)
        start_timer(redis, deadline_ms);
}

/* -- the connection ----------------------------------------------------------------------- */

/* Whoever is still in line gets no answer. Callbacks may make requests: for them the line is
 * empty and the connection closed. */
static void disconnect(struct redis_async *redis)
{
    struct redis_async_request *request, *next;

    if (redis->read_event)
        event_free(redis->read_event);
    if (redis->write_event)
        event_free(redis->write_event);
    redis->read_event = redis->write_event = NULL;
    redis_connection_close(redis->connection);
    for (request = redis_request_take_all(&redis->line); request; request = next) {
        next = request->next;
        redis_request_answer(request, NULL);
        redis_request_release(&redis->line, request);
    }
}

static void fail(struct redis_async *redis, enum redis_use use, enum redis_trouble trouble,
                 struct slice detail)
{
    redis_server_failed(redis->server, use, trouble, detail);
    disconnect(redis);
}

static bool connect_now(struct redis_async *redis)
{
    struct name_address address;
    struct error error;

    enum redis_lookup lookup = redis_server_address(redis->server, 0, &address, &error);
    if (lookup == REDIS_LOOKUP_PENDING)
        return false;
    if (lookup == REDIS_LOOKUP_FAILED ||
        !redis_connection_open(redis->connection, &address, &error)) {
        redis_server_failed(redis->server, REDIS_USE_READ, REDIS_TROUBLE_CONNECT,
                            slice_from_string(error.text));
        return false;
    }
    int fd = redis_connection_fd(redis->connection);
    redis->read_event = event_new(redis->base, fd, EV_READ | EV_PERSIST, on_readable, redis);
    redis->write_event = event_new(redis->base, fd, EV_WRITE, on_writable, redis);
    if (!redis->read_event || !redis->write_event || event_add(redis->read_event, NULL) != 0) {
        disconnect(redis);
        return false;
    }
    int replies = redis_connection_login(redis->connection, redis->settings);
    while (replies-- > 0)
        line_up(redis, redis_request_new(&redis->line, REDIS_REQUEST_LOGIN));
    return true;
}

static void flush_soon(struct redis_async *redis)
{
    if (redis->is_flush_pending)
        return;
    redis->is_flush_pending = true;
    event_active(redis->flush_event, 0, 0);
}

/* Permission, a connection and room for one more command. */
static bool is_ready(struct redis_async *redis, enum redis_use use)
{
    if (redis->is_ending || redis->line.count >= REDIS_ASYNC_PENDING_MAX ||
        !redis_server_allows(redis->server, use) ||
        (!redis_connection_is_open(redis->connection) && !connect_now(redis))) {
        redis->counters.refused++;
        COUNT(REDIS_REQUESTS, LOOKUP_NOT_ASKED);
        return false;
    }
    return true;
}

static bool send_commands(struct redis_async *redis, const struct redis_command *command)
{
    if (command->is_overflown ||
        !redis_connection_send(redis->connection,
                               (struct slice){command->data, command->length})) {
        redis->counters.refused++;
        COUNT(REDIS_REQUESTS, LOOKUP_NOT_ASKED);
        return false;
    }
    flush_soon(redis);
    return true;
}

static void flush_output(struct redis_async *redis)
{
    enum redis_trouble trouble;
    struct error error;

    if (!redis_connection_is_open(redis->connection))
        return;
    switch (redis_connection_flush(redis->connection, &trouble, &error)) {
    case REDIS_IO_DONE:
        break;
    case REDIS_IO_AGAIN:
        event_add(redis->write_event, NULL);
        break;
    case REDIS_IO_FAILED:
        fail(redis, REDIS_USE_READ, trouble, slice_from_string(error.text));
        break;
    }
}

static void on_flush(evutil_socket_t fd, short what, void *argument)
{
    struct redis_async *redis = argument;
    (void)fd;
    (void)what;
    redis->is_flush_pending = false;
    flush_output(redis);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    flush_output(argument);
}

/* -- replies ------------------------------------------------------------------------------ */

static bool is_of_writes(const struct redis_async_request *request)
{
    return request->type == REDIS_REQUEST_WRITE || request->type == REDIS_REQUEST_UPDATE ||
           (request->type == REDIS_REQUEST_REPLY && request->is_write);
}

static bool send_update(struct redis_async *redis, const struct client_key *key,
                        const struct session_outcome *outcome, int64_t expire_s, bool is_again)
{
    char buffer[REDIS_COMMAND_SCRIPT_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key redis_key;
    struct slice digest = redis_connection_script_digest(redis->connection);

    redis_key_client(&redis_key, redis->settings->prefix, key);
    redis_command_update_client(&command, is_again ? (struct slice){NULL, 0} : digest,
                                redis_key_slice(&redis_key), outcome, expire_s);
    if (!send_commands(redis, &command))
        return false;
    struct redis_async_request *request =
        redis_request_new(&redis->line, is_again ? REDIS_REQUEST_WRITE : REDIS_REQUEST_UPDATE);
    request->key = *key;
    request->outcome = *outcome;
    request->expire_s = expire_s;
    line_up(redis, request);
    return true;
}

/* An error reply that is not about the connection: false when it ends the connection all the
 * same, as nothing better is to be had on it. */
static bool take_error(struct redis_async *redis, struct redis_async_request *request,
                       const struct redis_reply *reply)
{
    enum redis_use use = is_of_writes(request) ? REDIS_USE_WRITE : REDIS_USE_READ;
    enum redis_trouble trouble = redis_trouble_from_reply(reply->text);

    if (request->type == REDIS_REQUEST_UPDATE && reply->text.length >= 8 &&
        memcmp(reply->text.data, "NOSCRIPT", 8) == 0) {
        send_update(redis, &request->key, &request->outcome, request->expire_s, true);
        return true;
    }
    redis_server_failed(redis->server, use, trouble, reply->text);
    return trouble == REDIS_TROUBLE_COMMAND ||
           redis_server_is_well(redis->server, REDIS_USE_READ);
}

/* Of writes nobody waits for the answer: how long it takes is of interest all the same. */
static void count_answer(const struct redis_async_request *request)
{
    if (request->is_late)
        return;
    COUNT(REDIS_REQUESTS, LOOKUP_ANSWERED);
    OBSERVE(REDIS_LATENCY, clock_monotonic_us() - request->sent_us);
}

/* False: the connection must end. The request is released. */
static bool take_reply(struct redis_async *redis, struct redis_async_request *request,
                       const struct redis_reply *reply, bool is_answer[REDIS_USE_COUNT])
{
    bool is_connection_good = true;
    if (request->is_late)
        redis->counters.late++;
    if (request->type == REDIS_REQUEST_LOGIN) {
        enum redis_trouble trouble = redis_connection_login_reply(redis->connection, reply);
        if (trouble != REDIS_TROUBLE_NONE) {
            redis_server_failed(redis->server, REDIS_USE_READ, trouble, reply->text);
            is_connection_good = false;
        }
    } else if (reply->type == REDIS_REPLY_IS_ERROR) {
        is_connection_good = take_error(redis, request, reply);
        COUNT(REDIS_REQUESTS, LOOKUP_FAILED);
        redis_request_answer(request, NULL);
    } else {
        is_answer[is_of_writes(request) ? REDIS_USE_WRITE : REDIS_USE_READ] |=
            !request->is_late;
        redis->counters.answered += request->is_open;
        count_answer(request);
        redis_request_answer(request, reply);
    }
    redis_request_release(&redis->line, request);
    return is_connection_good;
}

/* False: the connection has ended. One report of success a read is enough. */
static bool take_replies(struct redis_async *redis)
{
    bool is_answer[REDIS_USE_COUNT] = {false};
    const struct redis_reply *reply;
    struct error error;
    enum redis_io status;

    while ((status = redis_connection_reply(redis->connection, &reply, &error)) ==
           REDIS_IO_DONE) {
        struct redis_async_request *request = redis_request_take(&redis->line);
        if (!request) {
            bool is_error = reply->type == REDIS_REPLY_IS_ERROR;
            fail(redis, REDIS_USE_READ,
                 is_error ? redis_trouble_from_reply(reply->text) : REDIS_TROUBLE_PROTOCOL,
                 is_error ? reply->text : SLICE_LITERAL("a reply that nobody asked for"));
            return false;
        }
        if (!take_reply(redis, request, reply, is_answer)) {
            disconnect(redis);
            return false;
        }
    }
    for (int use = 0; use < REDIS_USE_COUNT; use++)
        if (is_answer[use])
            redis_server_succeeded(redis->server, (enum redis_use)use);
    if (status == REDIS_IO_FAILED) {
        fail(redis, REDIS_USE_READ, REDIS_TROUBLE_PROTOCOL, slice_from_string(error.text));
        return false;
    }
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct redis_async *redis = argument;
    enum redis_trouble trouble;
    struct error error;
    (void)fd;
    (void)what;

    for (int reads = 0; reads < READS_AT_ONCE; reads++) {
        enum redis_io status = redis_connection_read(redis->connection, &trouble, &error);
        if (status == REDIS_IO_FAILED) {
            /* A connection that nobody uses may end: Redis closes idle ones. */
            if (redis->line.count == 0)
                disconnect(redis);
            else
                fail(redis, REDIS_USE_READ, trouble, slice_from_string(error.text));
            return;
        }
        if (!take_replies(redis) || status == REDIS_IO_AGAIN)
            return;
    }
}

/* -- deadlines ---------------------------------------------------------------------------- */

static void report_timeout(struct redis_async *redis)
{
    char detail[48];
    snprintf(detail, sizeof(detail), "deadline %lld ms",
             (long long)redis->settings->deadline_ms);
    redis_server_failed(redis->server, REDIS_USE_READ, REDIS_TROUBLE_TIMEOUT,
                        slice_from_string(detail));
}

/* However many requests are due at once, Redis failed once; and before their callbacks are
 * called, so that what these ask is not sent to a Redis that is given up. */
static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct redis_async *redis = argument;
    struct redis_async_request *request;
    int64_t now_ms = clock_monotonic_ms();
    bool is_due = redis_request_is_due(&redis->line, now_ms);
    (void)fd;
    (void)what;

    redis->is_timer_pending = false;
    if (is_due)
        report_timeout(redis);
    while ((request = redis_request_expire(&redis->line, now_ms))) {
        redis->counters.expired += request->is_open;
        if (request->is_open)
            COUNT(REDIS_REQUESTS, LOOKUP_TIMED_OUT);
        redis_request_answer(request, NULL);
    }
    if (is_due && !redis_server_is_well(redis->server, REDIS_USE_READ))
        disconnect(redis);
    if (redis->line.first_in_time && !redis->is_timer_pending)
        start_timer(redis, redis->line.first_in_time->until_ms - now_ms);
}

/* -- for everybody ------------------------------------------------------------------------ */

struct redis_async *redis_async_create(struct event_base *base, struct redis_server *server)
{
    struct redis_async *redis = memory_allocate(1, sizeof(*redis));
    redis->base = base;
    redis->server = server;
    redis->settings = redis_server_settings(server);
    redis->connection = redis_connection_create();
    redis->flush_event = event_new(base, -1, 0, on_flush, redis);
    redis->timer = event_new(base, -1, 0, on_timer, redis);
    redis_request_line_init(&redis->line);
    return redis;
}

void redis_async_free(struct redis_async *redis)
{
    if (!redis)
        return;
    redis->is_ending = true;
    flush_output(redis); /* what nobody waits for should arrive all the same */
    disconnect(redis);
    event_free(redis->flush_event);
    event_free(redis->timer);
    redis_connection_free(redis->connection);
    redis_request_line_free(&redis->line);
    free(redis);
}

struct redis_async_request *redis_async_read_client(struct redis_async *redis,
                                                    const struct client_key *key,
                                                    redis_async_client_callback *callback,
                                                    void *context)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key redis_key;

    if (!is_ready(redis, REDIS_USE_READ))
        return NULL;
    redis_key_client(&redis_key, redis->settings->prefix, key);
    redis_command_read_hash(&command, redis_key_slice(&redis_key));
    if (!send_commands(redis, &command))
        return NULL;
    struct redis_async_request *request = redis_request_new(&redis->line, REDIS_REQUEST_CLIENT);
    request->callback.client = callback;
    request->context = context;
    line_up(redis, request);
    return request;
}

struct redis_async_request *redis_async_read_hash(struct redis_async *redis, struct slice key,
                                                  redis_async_hash_callback *callback,
                                                  void *context)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);

    if (!is_ready(redis, REDIS_USE_READ))
        return NULL;
    redis_command_read_hash(&command, key);
    if (!send_commands(redis, &command))
        return NULL;
    struct redis_async_request *request = redis_request_new(&redis->line, REDIS_REQUEST_HASH);
    request->callback.hash = callback;
    request->context = context;
    line_up(redis, request);
    return request;
}

struct redis_async_request *redis_async_send(struct redis_async *redis, enum redis_use use,
                                             const struct redis_command *command, size_t count,
                                             redis_async_reply_callback *callback,
                                             void *context)
{
    struct redis_async_request *request = NULL;
    if (!is_ready(redis, use) || !send_commands(redis, command))
        return NULL;
    for (size_t index = 0; index < count; index++) {
        request = redis_request_new(&redis->line, REDIS_REQUEST_REPLY);
        request->callback.reply = callback;
        request->context = context;
        request->index = index;
        request->is_write = use == REDIS_USE_WRITE;
        line_up(redis, request);
    }
    return request;
}

void redis_async_forget(struct redis_async *redis, const void *context)
{
    redis_request_forget(&redis->line, context);
}

void redis_async_cancel(struct redis_async *redis, struct redis_async_request *request)
{
    (void)redis;
    request->is_open = false;
}

bool redis_async_write_hash(struct redis_async *redis, struct slice key,
                            const struct redis_field *fields, size_t count, int64_t expire_s)
{
    char buffer[HASH_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);

    if (!is_ready(redis, REDIS_USE_WRITE))
        return false;
    redis_command_write_hash(&command, key, fields, count, expire_s);
    if (!send_commands(redis, &command))
        return false;
    line_up(redis, redis_request_new(&redis->line, REDIS_REQUEST_WRITE)); /* HSET */
    line_up(redis, redis_request_new(&redis->line, REDIS_REQUEST_WRITE)); /* EXPIRE */
    return true;
}

bool redis_async_update_client(struct redis_async *redis, const struct client_key *key,
                               const struct session_outcome *outcome, int64_t expire_s)
{
    return is_ready(redis, REDIS_USE_WRITE) &&
           send_update(redis, key, outcome, expire_s, false);
}

struct redis_async_counters redis_async_counters(const struct redis_async *redis)
{
    struct redis_async_counters counters = redis->counters;
    counters.pending = redis->line.count;
    return counters;
}
