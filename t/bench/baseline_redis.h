/*
 * The Redis side of baseline_policyd: one connection, one command per request, pipelined
 * by hiredis when several clients ask at once. It owns the hiredis context; one thread.
 */
#ifndef POSTVALVE_T_BENCH_BASELINE_REDIS_H
#define POSTVALVE_T_BENCH_BASELINE_REDIS_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

/* Called once for each command asked; is_ok is false for an error reply or none. */
typedef void baseline_redis_callback(void *argument, bool is_ok);

/* Connect, load the script, attach to the base. Exits when Redis is not there. */
void baseline_redis_open(struct event_base *base, const char *path, bool is_plain_read);

/* Read six fields of pv:client:<address>. False when the command could not be queued. */
bool baseline_redis_ask(const char *address, size_t address_size,
                        baseline_redis_callback *callback, void *argument);

#endif
