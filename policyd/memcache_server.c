#include "policyd/memcache_server.h"

#include "common/memcache_request.h"
#include "common/postfix_verify_entry.h"
#include "host/clock.h"
#include "host/count.h"
#include "policyd/verify_news.h"

#include "config.h"

#include <string.h>

/* A host has one verify(8), one postscreen(8), and perhaps some of proxymap(8). */
#define CLIENTS_MAX 1024

struct memcache_client {
    size_t skip; /* bytes of a value that is too large */
    enum memcache_command command;
    bool is_silent;
    size_t key_length;
    char key[MEMCACHE_ECHO_MAX];
    struct cache_inquiry inquiry;
};

static const struct command_row {
    enum cache_operation operation;
    const char *done, *not_done;
} command_table[] = {
    [MEMCACHE_GET] = {CACHE_GET, NULL, "END"},
    [MEMCACHE_SET] = {CACHE_SET, "STORED", "STORED"},
    [MEMCACHE_ADD] = {CACHE_ADD, "STORED", "NOT_STORED"},
    [MEMCACHE_DELETE] = {CACHE_DELETE, "DELETED", "NOT_FOUND"},
};

static void send_line(struct stream_client *client, const char *line)
{
    const struct memcache_client *state = stream_client_state(client);
    if (state->is_silent)
        return;
    stream_client_send(client, line, strlen(line));
    stream_client_send(client, "\r\n", 2);
}

static void on_answer(void *context, const struct cache_answer *answer)
{
    struct stream_client *client = context;
    const struct memcache_client *state = stream_client_state(client);
    const struct command_row *row = &command_table[state->command];
    if (state->command == MEMCACHE_GET && answer->is_done) {
        const struct slice key = {state->key, state->key_length};
        struct buffer reply = BUFFER_WITH_MAXIMUM(MEMCACHE_REPLY_MAX);
        memcache_reply_value(&reply, key, answer->flags, answer->value);
        stream_client_send(client, reply.data, reply.length);
        buffer_free(&reply);
    } else {
        send_line(client, answer->is_done ? row->done : row->not_done);
    }
    stream_client_answered(client);
}

/* How long an entry is worth keeping: verify(8) does not believe what failed for as long as
 * what succeeded, and who guesses addresses must not fill Redis for a month. */
static int64_t get_expire_s(const struct memcache_server *server,
                            const struct memcache_request *request)
{
    struct postfix_verify_entry entry;
    int64_t maximum_s = server->config->memcache.ttl_max_s;
    if (postfix_verify_entry_parse(request->value, &entry) &&
        entry.status != POSTFIX_VERIFY_DELIVERABLE &&
        maximum_s > server->config->verify.lifetimes.negative_expire_s)
        maximum_s = server->config->verify.lifetimes.negative_expire_s;
    return memcache_expire_s(request->exptime, maximum_s, clock_wall_s());
}

static void ask(const struct memcache_server *server, struct stream_client *client,
                const struct memcache_request *request)
{
    struct memcache_client *state = stream_client_state(client);
    struct cache_question question = {
        .operation = command_table[request->command].operation,
        .key = request->key,
        .flags = request->flags,
        .value = request->value,
        .expire_s = get_expire_s(server, request),
    };
    if (question.expire_s == 0) {
        /* To be stored, and expired at once. */
        if (request->command == MEMCACHE_SET)
            question.operation = CACHE_DELETE;
        question.expire_s = 1;
    }
    state->key_length =
        request->key.length < MEMCACHE_ECHO_MAX ? request->key.length : MEMCACHE_ECHO_MAX;
    memcpy(state->key, request->key.data, state->key_length);
    state->inquiry.callback = on_answer;
    state->inquiry.context = client;
    if (postfix_cache_key_is_cleanup(request->key)) {
        const struct cache_answer nothing = {.is_done = false};
        on_answer(client, &nothing);
    } else {
        if (request->command == MEMCACHE_SET)
            verify_news_tell(server->store, server->config, request->key, request->value,
                             clock_wall_s());
        shared_cache_ask(server->cache, &question, &state->inquiry);
    }
}

static enum stream_take skip_value(struct stream_client *client, size_t length, size_t *taken_r)
{
    struct memcache_client *state = stream_client_state(client);
    *taken_r = length < state->skip ? length : state->skip;
    state->skip -= *taken_r;
    stream_client_answered(client);
    return STREAM_TAKEN;
}

static enum stream_take refuse(struct stream_client *client, const char *problem)
{
    send_line(client, problem);
    return STREAM_INVALID;
}

static enum stream_take take(void *context, struct stream_client *client, const char *data,
                             size_t length, size_t *taken_r)
{
    struct memcache_client *state = stream_client_state(client);
    struct memcache_request request;
    if (state->skip > 0)
        return skip_value(client, length, taken_r);
    state->is_silent = false;
    switch (memcache_request_parse(data, length, &request)) {
    case MEMCACHE_MORE:
        return STREAM_MORE;
    case MEMCACHE_DONE:
        break;
    default:
        return refuse(client, request.problem);
    }
    COUNT(REQUESTS, COUNTED_MEMCACHE);
    *taken_r = request.taken;
    state->command = request.command;
    state->is_silent = request.is_silent;
    state->skip = request.skip;
    if (request.command == MEMCACHE_QUIT)
        return STREAM_END;
    if (request.skip > 0) {
        send_line(client, "SERVER_ERROR object too large for cache");
        stream_client_answered(client);
    } else if (request.command == MEMCACHE_VERSION) {
        send_line(client, "VERSION " PACKAGE_VERSION);
        stream_client_answered(client);
    } else {
        ask(context, client, &request);
    }
    return STREAM_TAKEN;
}

static void forget(void *context, struct stream_client *client)
{
    struct memcache_client *state = stream_client_state(client);
    (void)context;
    cache_inquiry_cancel(&state->inquiry);
}

const struct stream_protocol memcache_protocol = {
    .name = "memcache",
    .counted_as = COUNTED_MEMCACHE,
    .input_max = MEMCACHE_REQUEST_MAX,
    .output_max = MEMCACHE_REPLY_MAX,
    .state_size = sizeof(struct memcache_client),
    .clients_max = CLIENTS_MAX,
    .take = take,
    .forget = forget,
};
