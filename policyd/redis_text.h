/*
 * redis_text - strings in Redis, and writes that nobody waits for, over redis_async. Loop
 * thread only.
 */
#ifndef POSTVALVE_POLICYD_REDIS_TEXT_H
#define POSTVALVE_POLICYD_REDIS_TEXT_H

#include "policyd/redis_async.h"
#include "redis/redis_reply.h"

/* PTTL and GET, in this order, as redis_async_send(). */
struct redis_async_request *redis_text_read(struct redis_async *redis, struct slice key,
                                            redis_async_reply_callback *callback,
                                            void *context);
/* SET; expire_s 0: only in place of a value that is there, which keeps its expiry. False: not
 * even sent. */
bool redis_text_write(struct redis_async *redis, struct slice key, struct slice text,
                      int64_t expire_s);
/* Any one command that writes. */
bool redis_write_command(struct redis_async *redis, const struct redis_command *command);

#endif
