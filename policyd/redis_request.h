/*
 * redis_request - the commands that redis_async has on their way, in line.
 *
 * A request stays in line until its reply comes or the connection ends, even when nobody waits
 * for it any more: replies are told apart by their order alone. Requests are used again; the
 * memory is as large as the line ever was. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_REDIS_REQUEST_H
#define POSTVALVE_POLICYD_REDIS_REQUEST_H

#include "policyd/redis_async.h"
#include "redis/redis_reply.h"

enum redis_request_type {
    REDIS_REQUEST_LOGIN,
    REDIS_REQUEST_CLIENT,
    REDIS_REQUEST_HASH,
    REDIS_REQUEST_REPLY,
    REDIS_REQUEST_WRITE,
    REDIS_REQUEST_UPDATE,
};

struct redis_async_request {
    struct redis_async_request *next;
    enum redis_request_type type;
    bool is_open; /* the callback is still to come */
    bool is_late; /* over its deadline */
    int64_t until_ms;
    int64_t sent_us; /* monotonic */
    union {
        redis_async_client_callback *client;
        redis_async_hash_callback *hash;
        redis_async_reply_callback *reply;
    } callback;
    void *context;
    size_t index;  /* REDIS_REQUEST_REPLY: of the commands that were sent together */
    bool is_write; /* REDIS_REQUEST_REPLY */
    /* REDIS_REQUEST_UPDATE: to be sent again where Redis does not know the script */
    struct client_key key;
    struct session_outcome outcome;
    int64_t expire_s;
};

struct redis_request_line {
    struct redis_async_request *first, **end;
    struct redis_async_request *first_in_time; /* those before it are late */
    size_t count;
    struct redis_async_request *spare; /* not in line */
};

void redis_request_line_init(struct redis_request_line *line);
/* Frees the spare ones; the line must be empty. */
void redis_request_line_free(struct redis_request_line *line);

struct redis_async_request *redis_request_new(struct redis_request_line *line,
                                              enum redis_request_type type);
void redis_request_release(struct redis_request_line *line,
                           struct redis_async_request *request);

/* Deadlines must not fall. */
void redis_request_append(struct redis_request_line *line, struct redis_async_request *request,
                          int64_t until_ms);
/* The first in line; NULL: there is none. */
struct redis_async_request *redis_request_take(struct redis_request_line *line);
bool redis_request_is_due(const struct redis_request_line *line, int64_t now_ms);
/* The first one that is over its deadline and not marked late yet: marks it. It stays in
 * line. NULL: there is none. */
struct redis_async_request *redis_request_expire(struct redis_request_line *line,
                                                 int64_t now_ms);
/* No callback with this context is to come any more. */
void redis_request_forget(struct redis_request_line *line, const void *context);
/* Empties the line; returns what was in it, linked by next. */
struct redis_async_request *redis_request_take_all(struct redis_request_line *line);

/* Calls the callback if it is still to come, for the last time; reply NULL: no answer. */
void redis_request_answer(struct redis_async_request *request, const struct redis_reply *reply);

#endif
