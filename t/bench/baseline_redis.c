#include "t/bench/baseline_redis.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "t/bench/bench_socket.h"

#define KEY_PREFIX "pv:client:"

static const char script[] =
    "return redis.call('HMGET', KEYS[1], 'good', 'bad', 'first_seen', 'last_seen',"
    " 'hung_up_at', 'evidence')";

struct question {
    baseline_redis_callback *callback;
    void *argument;
};

static struct baseline_redis {
    redisAsyncContext *context;
    struct event *read_event;
    struct event *write_event;
    bool is_plain_read;
    char digest[64];
} link_to_redis;

/* hiredis' own libevent glue re-adds its read event after each read: two epoll_ctl more. */
static void on_redis_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    redisAsyncHandleRead(((struct baseline_redis *)argument)->context);
}

static void on_redis_writable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    redisAsyncHandleWrite(((struct baseline_redis *)argument)->context);
}

static void add_read(void *argument)
{
    struct baseline_redis *redis = argument;

    if (!event_pending(redis->read_event, EV_READ, NULL)) {
        (void)event_add(redis->read_event, NULL);
    }
}

static void add_write(void *argument)
{
    struct baseline_redis *redis = argument;

    /*
     * The socket is nearly always writable: do not ask epoll, but write when the events of
     * this turn of the loop have been handled, so that what they ask goes out in one piece.
     */
    event_active(redis->write_event, EV_WRITE, 0);
}

static void ignore(void *argument)
{
    (void)argument;
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    (void)context;
    (void)status;
    errno = 0;
    bench_die("Redis closed the connection");
}

static void load_script(const char *path)
{
    redisContext *context = redisConnectUnix(path);

    if (context == NULL || context->err != 0) {
        bench_die("Redis: connect");
    }
    redisReply *reply = redisCommand(context, "SCRIPT LOAD %s", script);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING ||
        strlen(reply->str) >= sizeof link_to_redis.digest) {
        bench_die("Redis: SCRIPT LOAD");
    }
    memcpy(link_to_redis.digest, reply->str, strlen(reply->str) + 1);
    freeReplyObject(reply);
    redisFree(context);
}

void baseline_redis_open(struct event_base *base, const char *path, bool is_plain_read)
{
    struct baseline_redis *redis = &link_to_redis;

    redis->is_plain_read = is_plain_read;
    load_script(path);
    redis->context = redisAsyncConnectUnix(path);
    if (redis->context == NULL || redis->context->err != 0) {
        bench_die("Redis: connect");
    }
    int fd = redis->context->c.fd;
    redis->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_redis_readable, redis);
    redis->write_event = event_new(base, fd, EV_WRITE, on_redis_writable, redis);
    if (redis->read_event == NULL || redis->write_event == NULL) {
        bench_die("Redis: event_new");
    }
    redis->context->ev.data = redis;
    redis->context->ev.addRead = add_read;
    redis->context->ev.delRead = ignore;
    redis->context->ev.addWrite = add_write;
    redis->context->ev.delWrite = ignore;
    redis->context->ev.cleanup = ignore;
    (void)redisAsyncSetDisconnectCallback(redis->context, on_disconnect);
    add_read(redis);
    add_write(redis);
}

static void on_reply(redisAsyncContext *context, void *reply, void *argument)
{
    struct question question = *(struct question *)argument;
    const redisReply *array = reply;

    (void)context;
    free(argument);
    question.callback(question.argument, array != NULL && array->type == REDIS_REPLY_ARRAY &&
                                             array->elements == 6);
}

bool baseline_redis_ask(const char *address, size_t address_size,
                        baseline_redis_callback *callback, void *argument)
{
    struct baseline_redis *redis = &link_to_redis;
    char key[96] = KEY_PREFIX;
    size_t key_size = sizeof KEY_PREFIX - 1 + address_size;

    if (key_size > sizeof key) {
        return false;
    }
    memcpy(key + sizeof KEY_PREFIX - 1, address, address_size);
    struct question *question = malloc(sizeof *question);
    if (question == NULL) {
        bench_die("memory");
    }
    *question = (struct question){.callback = callback, .argument = argument};

    const char *evalsha[] = {"EVALSHA", redis->digest, "1", key};
    const size_t evalsha_sizes[] = {7, strlen(redis->digest), 1, key_size};
    const char *hmget[] = {"HMGET",      key,         "good",       "bad",
                           "first_seen", "last_seen", "hung_up_at", "evidence"};
    const size_t hmget_sizes[] = {5, key_size, 4, 3, 10, 9, 10, 8};
    int status =
        redis->is_plain_read
            ? redisAsyncCommandArgv(redis->context, on_reply, question, 8, hmget, hmget_sizes)
            : redisAsyncCommandArgv(redis->context, on_reply, question, 4, evalsha,
                                    evalsha_sizes);
    if (status != REDIS_OK) {
        free(question);
        return false;
    }
    return true;
}
