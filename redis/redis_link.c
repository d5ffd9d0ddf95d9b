#include "redis/redis_link.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "redis/redis_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_SIZE 8192 /* of redis_link_command(), in wire form */

struct redis_link {
    struct redis_server *server;
    struct redis_connection *connection;
    bool is_ready; /* logged in */
};

/* One exchange: commands sent, so many replies wanted. */
struct exchange {
    struct redis_link *link;
    enum redis_use use;
    int64_t until_ms;
    size_t count, answered;
    enum redis_trouble (*take)(struct exchange *exchange, const struct redis_reply *reply);
    const struct redis_pipeline *pipeline;
    bool is_sent; /* some of it may have reached Redis */
    enum redis_trouble trouble;
    struct error *error;
};

struct redis_link *redis_link_create(struct redis_server *server)
{
    struct redis_link *link = memory_allocate(1, sizeof(*link));
    link->server = server;
    link->connection = redis_connection_create();
    return link;
}

void redis_link_free(struct redis_link *link)
{
    if (!link)
        return;
    redis_connection_free(link->connection);
    free(link);
}

int64_t redis_link_deadline(const struct redis_link *link)
{
    return clock_monotonic_ms() + redis_server_settings(link->server)->deadline_ms;
}

struct slice redis_link_script_digest(const struct redis_link *link)
{
    return redis_connection_script_digest(link->connection);
}

static void close_link(struct redis_link *link)
{
    redis_connection_close(link->connection);
    link->is_ready = false;
}

static bool set_trouble(struct exchange *exchange, enum redis_trouble trouble)
{
    exchange->trouble = trouble;
    return false;
}

/* What an error reply says is the reason, as it stands. */
static bool set_reply_trouble(struct exchange *exchange, enum redis_trouble trouble,
                              const struct redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_IS_ERROR)
        error_set(exchange->error, "%.*s", (int)reply->text.length, reply->text.data);
    else
        error_set(exchange->error, "not the reply that belongs to the command");
    return set_trouble(exchange, trouble);
}

static bool take_replies(struct exchange *exchange)
{
    const struct redis_reply *reply;
    while (exchange->answered < exchange->count) {
        enum redis_io status =
            redis_connection_reply(exchange->link->connection, &reply, exchange->error);
        if (status == REDIS_IO_FAILED)
            return set_trouble(exchange, REDIS_TROUBLE_PROTOCOL);
        if (status == REDIS_IO_AGAIN)
            return true;
        enum redis_trouble trouble = exchange->take(exchange, reply);
        if (trouble != REDIS_TROUBLE_NONE)
            return set_reply_trouble(exchange, trouble, reply);
        exchange->answered++;
    }
    return true;
}

static bool wait_for_socket(struct exchange *exchange, bool is_all_sent)
{
    struct pollfd descriptor = {.fd = redis_connection_fd(exchange->link->connection),
                                .events = POLLIN};
    if (!is_all_sent)
        descriptor.events |= POLLOUT;
    for (;;) {
        int64_t left_ms = exchange->until_ms - clock_monotonic_ms();
        int ready = left_ms > 0 ? poll(&descriptor, 1, (int)left_ms) : 0;
        if (ready > 0)
            return true;
        if (ready < 0 && errno == EINTR)
            continue;
        error_set(exchange->error, "deadline %lld ms",
                  (long long)redis_server_settings(exchange->link->server)->deadline_ms);
        return set_trouble(exchange, REDIS_TROUBLE_TIMEOUT);
    }
}

/* True when every reply has come and none was trouble. */
static bool run(struct exchange *exchange)
{
    struct redis_connection *connection = exchange->link->connection;
    while (exchange->answered < exchange->count) {
        enum redis_io sent =
            redis_connection_flush(connection, &exchange->trouble, exchange->error);
        if (sent == REDIS_IO_FAILED)
            return false;
        if (!wait_for_socket(exchange, sent == REDIS_IO_DONE))
            return false;
        if (redis_connection_read(connection, &exchange->trouble, exchange->error) ==
            REDIS_IO_FAILED)
            return false;
        if (!take_replies(exchange))
            return false;
    }
    return true;
}

static enum redis_trouble take_login_reply(struct exchange *exchange,
                                           const struct redis_reply *reply)
{
    return redis_connection_login_reply(exchange->link->connection, reply);
}

/* Connects and logs in, if need be. */
static bool make_ready(struct exchange *exchange)
{
    struct redis_link *link = exchange->link;
    struct name_address address;

    if (link->is_ready && !redis_connection_is_stale(link->connection))
        return true;
    close_link(link);
    switch (redis_server_address(link->server, exchange->until_ms, &address, exchange->error)) {
    case REDIS_LOOKUP_DONE:
        break;
    case REDIS_LOOKUP_PENDING:
        return set_trouble(exchange, REDIS_TROUBLE_NONE); /* nobody's fault yet */
    case REDIS_LOOKUP_FAILED:
        return set_trouble(exchange, REDIS_TROUBLE_CONNECT);
    }
    if (!redis_connection_open(link->connection, &address, exchange->error))
        return set_trouble(exchange, REDIS_TROUBLE_CONNECT);

    const struct redis_settings *settings = redis_server_settings(link->server);
    struct exchange login = {.link = link,
                             .use = exchange->use,
                             .until_ms = exchange->until_ms,
                             .count =
                                 (size_t)redis_connection_login(link->connection, settings),
                             .take = take_login_reply,
                             .error = exchange->error};
    if (!run(&login))
        return set_trouble(exchange, login.trouble);
    link->is_ready = true;
    return true;
}

static enum redis_trouble take_pipeline_reply(struct exchange *exchange,
                                              const struct redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_IS_ERROR) {
        enum redis_trouble trouble = redis_trouble_from_reply(reply->text);
        if (trouble != REDIS_TROUBLE_COMMAND)
            return trouble;
    }
    const struct redis_pipeline *pipeline = exchange->pipeline;
    pipeline->callback(pipeline->context, exchange->answered, reply);
    return REDIS_TROUBLE_NONE;
}

static bool exchange_pipeline(struct exchange *exchange)
{
    if (!make_ready(exchange))
        return false;
    if (!redis_connection_send(exchange->link->connection, exchange->pipeline->commands)) {
        error_set(exchange->error, "the commands are too large");
        return set_trouble(exchange, REDIS_TROUBLE_COMMAND);
    }
    exchange->is_sent = true;
    return run(exchange);
}

size_t redis_link_pipeline(struct redis_link *link, const struct redis_pipeline *pipeline,
                           int64_t until_ms, bool *is_sent_r, struct error *error)
{
    struct exchange exchange = {.link = link,
                                .use = pipeline->use,
                                .until_ms = until_ms,
                                .count = pipeline->count,
                                .take = take_pipeline_reply,
                                .pipeline = pipeline,
                                .error = error};
    if (is_sent_r)
        *is_sent_r = false;
    if (!redis_server_allows(link->server, pipeline->use)) {
        COUNT(REDIS_REQUESTS, LOOKUP_NOT_ASKED);
        error_set(error, "Redis is away: %s",
                  redis_trouble_name(redis_server_trouble(link->server)));
        return 0;
    }
    int64_t start_us = clock_monotonic_us();
    if (exchange_pipeline(&exchange)) {
        COUNT(REDIS_REQUESTS, LOOKUP_ANSWERED);
        OBSERVE(REDIS_LATENCY, clock_monotonic_us() - start_us);
        redis_server_succeeded(link->server, pipeline->use);
    } else {
        bool is_late = exchange.trouble == REDIS_TROUBLE_TIMEOUT;
        COUNT(REDIS_REQUESTS, is_late ? LOOKUP_TIMED_OUT : LOOKUP_FAILED);
        close_link(link);
        if (exchange.trouble != REDIS_TROUBLE_NONE)
            redis_server_failed(link->server, pipeline->use, exchange.trouble,
                                slice_from_string(error->text));
    }
    /* After an error reply Redis has not carried out what follows, or hardly. */
    bool is_refused = exchange.is_sent && exchange.trouble != REDIS_TROUBLE_TIMEOUT &&
                      exchange.trouble != REDIS_TROUBLE_CLOSED &&
                      exchange.trouble != REDIS_TROUBLE_PROTOCOL;
    if (is_sent_r)
        *is_sent_r = exchange.is_sent && !is_refused;
    return exchange.answered;
}

/* -- one command at a time ---------------------------------------------------------------- */

static void keep_reply(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    *(const struct redis_reply **)context = reply;
}

/* An error reply that concerns the command alone is told once in a while, and is no answer. */
static const struct redis_reply *send_one(struct redis_link *link, enum redis_use use,
                                          const struct redis_command *command, int64_t until_ms,
                                          struct error *error)
{
    const struct redis_reply *reply = NULL;
    struct redis_pipeline pipeline = {.use = use,
                                      .commands = {command->data, command->length},
                                      .count = 1,
                                      .callback = keep_reply,
                                      .context = &reply};
    if (command->is_overflown) {
        error_set(error, "the command is too large");
        return NULL;
    }
    if (redis_link_pipeline(link, &pipeline, until_ms, NULL, error) == 0)
        return NULL;
    return reply;
}

static bool is_error(struct redis_link *link, enum redis_use use,
                     const struct redis_reply *reply, struct error *error)
{
    if (reply->type != REDIS_REPLY_IS_ERROR)
        return false;
    error_set(error, "%.*s", (int)reply->text.length, reply->text.data);
    redis_server_failed(link->server, use, REDIS_TROUBLE_COMMAND, reply->text);
    return true;
}

const struct redis_reply *redis_link_command(struct redis_link *link, enum redis_use use,
                                             const struct slice *arguments, size_t count,
                                             int64_t until_ms, struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_begin(&command, count);
    for (size_t i = 0; i < count; i++)
        redis_command_add(&command, arguments[i]);
    const struct redis_reply *reply = send_one(link, use, &command, until_ms, error);
    if (reply && reply->type == REDIS_REPLY_IS_ERROR) {
        error_set(error, "%.*s", (int)reply->text.length, reply->text.data);
        return NULL; /* the caller tells it */
    }
    return reply;
}

bool redis_link_read_client(struct redis_link *link, const struct client_key *key,
                            int64_t until_ms, enum history_state *state_r,
                            struct client_record *record_r)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key redis_key;
    struct error error;

    *state_r = HISTORY_MISSING;
    *record_r = (struct client_record){0};
    redis_key_client(&redis_key, redis_server_settings(link->server)->prefix, key);
    redis_command_read_hash(&command, redis_key_slice(&redis_key));
    const struct redis_reply *reply =
        send_one(link, REDIS_USE_READ, &command, until_ms, &error);
    if (!reply || is_error(link, REDIS_USE_READ, reply, &error))
        return false;
    *state_r = redis_reply_read_client(reply, record_r);
    return *state_r != HISTORY_MISSING;
}

bool redis_link_read_hash(struct redis_link *link, struct slice key, int64_t until_ms,
                          void (*callback)(void *context, const struct redis_field *field),
                          void *context, struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_read_hash(&command, key);
    const struct redis_reply *reply = send_one(link, REDIS_USE_READ, &command, until_ms, error);
    if (!reply || is_error(link, REDIS_USE_READ, reply, error))
        return false;
    const struct redis_reply *item = redis_reply_first(reply);
    for (uint32_t pairs = reply->count / 2; pairs > 0; pairs--) {
        struct redis_field field = {item->text, redis_reply_next(item)->text};
        callback(context, &field);
        item = redis_reply_next(redis_reply_next(item));
    }
    return true;
}

bool redis_link_update_client(struct redis_link *link, const struct client_key *key,
                              const struct session_outcome *outcome, int64_t expire_s,
                              int64_t until_ms, struct error *error)
{
    char buffer[REDIS_COMMAND_SCRIPT_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key redis_key;

    redis_key_client(&redis_key, redis_server_settings(link->server)->prefix, key);
    redis_command_update_client(&command, (struct slice){NULL, 0}, redis_key_slice(&redis_key),
                                outcome, expire_s);
    const struct redis_reply *reply =
        send_one(link, REDIS_USE_WRITE, &command, until_ms, error);
    return reply && !is_error(link, REDIS_USE_WRITE, reply, error);
}
