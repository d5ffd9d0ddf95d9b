/*
 * redis_async - Redis for the event loop: one connection, many requests on their way.
 *
 * It connects when first used, logs in, and connects again after it was lost; while the breaker
 * of its redis_server is open it does not even try. Every request is answered exactly once,
 * within the deadline of the settings: with what Redis said or with "no answer". Requests made
 * in one turn of the loop leave in one write.
 *
 * Belongs to the thread of its event base.
 */
#ifndef POSTVALVE_POLICYD_REDIS_ASYNC_H
#define POSTVALVE_POLICYD_REDIS_ASYNC_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_record.h"
#include "common/redis_command.h"
#include "redis/redis_reply.h"
#include "redis/redis_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct redis_async;
struct redis_async_request;

#define REDIS_ASYNC_PENDING_MAX 16384 /* requests on their way; more get no answer */
#define REDIS_ASYNC_FIELDS_MAX  64    /* fields of a hash; more are left out */

/* HISTORY_MISSING: no answer, record is NULL. The record lives as long as the call. */
typedef void redis_async_client_callback(void *context, enum history_state state,
                                         const struct client_record *record);
/* is_answered false: no answer. No key is no field. The fields live as long as the call. */
typedef void redis_async_hash_callback(void *context, bool is_answered,
                                       const struct redis_field *fields, size_t count);

/* A reply, of one command of several; NULL: no answer. It lives as long as the call. */
typedef void redis_async_reply_callback(void *context, size_t index,
                                        const struct redis_reply *reply);

/* Does not connect yet. base and server must outlive it. */
struct redis_async *redis_async_create(struct event_base *base, struct redis_server *server);
/* Requests on their way get "no answer" from within. Not from a callback. NULL is fine. */
void redis_async_free(struct redis_async *redis);

/* The callback comes from the event loop, never from within these. NULL: no answer can be had
 * now (Redis is away), and the callback never comes. The handle is good until the callback
 * comes or it is cancelled. A callback may make requests and cancel others. */
struct redis_async_request *redis_async_read_client(struct redis_async *redis,
                                                    const struct client_key *key,
                                                    redis_async_client_callback *callback,
                                                    void *context);
struct redis_async_request *redis_async_read_hash(struct redis_async *redis, struct slice key,
                                                  redis_async_hash_callback *callback,
                                                  void *context);
/* Any commands, so many, one reply to each: the callback comes once for each, in order. Returns
 * the last of the requests. */
struct redis_async_request *redis_async_send(struct redis_async *redis, enum redis_use use,
                                             const struct redis_command *command, size_t count,
                                             redis_async_reply_callback *callback,
                                             void *context);
/* None of the callbacks with this context will come. */
void redis_async_forget(struct redis_async *redis, const void *context);
/* The callback will not come. */
void redis_async_cancel(struct redis_async *redis, struct redis_async_request *request);

/* Written if Redis takes it; nobody is told. False: not even sent. */
bool redis_async_write_hash(struct redis_async *redis, struct slice key,
                            const struct redis_field *fields, size_t count, int64_t expire_s);
bool redis_async_update_client(struct redis_async *redis, const struct client_key *key,
                               const struct session_outcome *outcome, int64_t expire_s);

struct redis_async_counters {
    uint64_t answered, expired,
        refused;      /* refused: not sent, as Redis is away or we are full */
    uint64_t late;    /* replies that came after the deadline */
    uint64_t pending; /* on their way now, expired ones included */
};
struct redis_async_counters redis_async_counters(const struct redis_async *redis);

#endif
