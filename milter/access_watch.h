/*
 * access_watch - who an administrator lets in and keeps out, for the threads of sessions; the
 * thread of host_link brings the news. Any thread.
 */
#ifndef POSTVALVE_MILTER_ACCESS_WATCH_H
#define POSTVALVE_MILTER_ACCESS_WATCH_H

#include "common/address.h"
#include "common/redis_command.h"
#include "redis/redis_reply.h"

#include <stdint.h>

struct access_watch;
struct client_facts;
struct history;

struct access_watch *access_watch_create(void);

/* To ask Redis: one command, one reply; see access_memory.h. What is to be forgotten is taken
 * out of history. */
void access_watch_ask(struct access_watch *watch, const char *prefix,
                      struct redis_command *command);
void access_watch_take(struct access_watch *watch, const struct redis_reply *reply,
                       struct history *history, int64_t now_ms);

/* Sets is_allowed and is_blocked where the list says so. */
void access_watch_tell(struct access_watch *watch, const struct address *address,
                       int64_t now_ms, struct client_facts *facts);

#endif
