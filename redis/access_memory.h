/*
 * access_memory - the list of who is let in and kept out (common/access_list.h), as a process
 * remembers it between two looks at Redis; it is read again only when it changed.
 *
 * When Redis is away what was read stays in force until it runs out. Not thread-safe.
 */
#ifndef POSTVALVE_REDIS_ACCESS_MEMORY_H
#define POSTVALVE_REDIS_ACCESS_MEMORY_H

#include "common/access_list.h"
#include "common/redis_command.h"
#include "common/redis_keys.h"
#include "redis/redis_reply.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_MEMORY_COMMAND_SIZE 1024

/* Start value: all zero. */
struct access_memory {
    struct access_list list;
    char version[48];
    int64_t redis_s, read_at_ms; /* when it was last asked; 0: never */
    int64_t forgotten_s;         /* orders to forget older than this were carried out */
};

void access_memory_free(struct access_memory *memory);
/* One command, one reply. */
void access_memory_ask(const struct access_memory *memory, const char *prefix,
                       struct redis_command *command);
/* True: the list is another one. NULL, and whatever is no list of ours: no answer. */
bool access_memory_take(struct access_memory *memory, const struct redis_reply *reply,
                        int64_t now_ms);
/* Redis' clock, carried on with ours. */
int64_t access_memory_now_s(const struct access_memory *memory, int64_t now_ms);

/* Calls back for each client that is to be forgotten since the last time. */
void access_memory_forget(struct access_memory *memory,
                          void (*callback)(void *context, const struct client_key *key),
                          void *context);

#endif
