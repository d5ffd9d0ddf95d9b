/*
 * counter_flush - how the counters of a process get to Redis: once a second what was added
 * since, to the hash of this minute and to that of all time (doc/redis.md). Pure.
 *
 * What was added is put together as a batch, with a number. A batch goes out until Redis has
 * confirmed both hashes; each remembers the number of the last batch it has of a process, so a
 * batch whose reply was lost is not added twice. Meanwhile new counts add up in place: what
 * happened while Redis was away gets into the minute in which it came back. Memory is fixed.
 *
 * The hash of all time also knows how many sessions of a process are open. Whoever flushes
 * counts those of a process that was not heard of for COUNTER_FLUSH_LEASE_S as ended (lost);
 * should it come back all the same, they count as started once more. So sessions started are
 * always those ended and those open.
 */
#ifndef POSTVALVE_COMMON_COUNTER_FLUSH_H
#define POSTVALVE_COMMON_COUNTER_FLUSH_H

#include "common/buffer.h"
#include "common/counter.h"

#include <stdbool.h>
#include <stdint.h>

#define COUNTER_FLUSH_MS       1000
#define COUNTER_FLUSH_LEASE_S  10
#define COUNTER_FLUSH_COMMANDS 4 /* at most */
#define COUNTER_STATS_EXPIRE_S 172800
#define COUNTER_GAUGE_EXPIRE_S 10

struct counter_flush;

/* set must outlive it. id: of the process, unique, without blanks and semicolons. */
struct counter_flush *counter_flush_create(struct counter_set *set,
                                           enum counter_process process, const char *id);
void counter_flush_free(struct counter_flush *flush);

/* Where it is counted; the other arguments live as long as the call. */
struct counter_flush_target {
    const char *prefix, *host;
    int64_t wall_s;
    bool is_last; /* the process ends */
};
/* The commands, in wire form and so many: an unfinished batch, or a new one, and the gauges.
 * 0: nothing to write. Each gets one reply, to be told to counter_flush_reply(). */
size_t counter_flush_commands(struct counter_flush *flush,
                              const struct counter_flush_target *target,
                              struct buffer *commands_r);
/* is_done: it was carried out; else it was not, or nobody knows. */
void counter_flush_reply(struct counter_flush *flush, size_t index, bool is_done);
/* No batch is on its way: the next one has all that was counted. */
bool counter_flush_is_settled(const struct counter_flush *flush);

/* Adds counts to one hash, once; see counter_flush.c. */
extern const char counter_flush_script[];

#endif
