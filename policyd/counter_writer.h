/*
 * counter_writer - writes the counters of this process to Redis, once a second and at the end
 * (common/counter_flush.h). Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_COUNTER_WRITER_H
#define POSTVALVE_POLICYD_COUNTER_WRITER_H

#include "common/config.h"
#include "common/counter.h"

#include <stdbool.h>

struct counter_writer;
struct event_base;
struct store;

/* store must outlive it. before: called before each flush, to count what is counted then; it
 * may be NULL. */
struct counter_writer *counter_writer_create(struct event_base *base, struct store *store,
                                             const struct config *config,
                                             enum counter_process process,
                                             void (*before)(void *context), void *context);
/* NULL is fine. */
void counter_writer_free(struct counter_writer *writer);
void counter_writer_reload(struct counter_writer *writer, const struct config *config);

/* Once a second from now on. */
bool counter_writer_start(struct counter_writer *writer);
/* Writes what is left, and runs the loop until that is done, or for half a second. Not from
 * within the loop. */
void counter_writer_finish(struct counter_writer *writer);

#endif
