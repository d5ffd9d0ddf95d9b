/*
 * redis_writer - one thread that writes to Redis what nobody waits for, many at a time.
 *
 * Whoever has something to write puts it in a bounded queue and goes on. While Redis is away or
 * takes no writes the queue keeps the newest; the oldest are dropped and counted. Thread-safe.
 */
#ifndef POSTVALVE_REDIS_REDIS_WRITER_H
#define POSTVALVE_REDIS_REDIS_WRITER_H

#include "common/address.h"
#include "common/client_record.h"
#include "common/recipient_record.h"
#include "common/redis_command.h"
#include "common/redis_keys.h"
#include "redis/redis_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_WRITER_QUEUE_SIZE 4096 /* client updates */
#define REDIS_WRITER_NEW_MAX    128  /* clients announced at a time */
#define REDIS_WRITER_NEWS_MAX   256  /* addresses waiting to be told of */
#define REDIS_WRITER_HASH_SIZE  4096 /* bytes of one hash in wire form */

struct redis_writer;

struct redis_writer_counters {
    uint64_t written; /* client updates that Redis confirmed */
    uint64_t dropped; /* for lack of room, or refused, or left at the end */
    uint64_t queued;  /* waiting now */
};

/* Starts the thread, signals blocked in it. expire_s: of client records. server must outlive
 * it. NULL, with the error set, when there is no thread to be had. */
struct redis_writer *redis_writer_create(struct redis_server *server, int64_t expire_s,
                                         struct error *error);
/* Writes what is left, within flush_ms at most, ends the thread and frees. NULL is fine. */
void redis_writer_stop(struct redis_writer *writer, int64_t flush_ms);

void redis_writer_update_client(struct redis_writer *writer, const struct client_key *key,
                                const struct session_outcome *outcome);
/* The latest call only counts: the record of this host, or another hash that is written again
 * and again. False when it is larger than REDIS_WRITER_HASH_SIZE. */
bool redis_writer_write_hash(struct redis_writer *writer, struct slice key,
                             const struct redis_field *fields, size_t count, int64_t expire_s);

/* Adds a client to the list of those that are new to this host, for policyd (doc/redis.md).
 * When many are waiting, more are left out. */
void redis_writer_announce(struct redis_writer *writer, struct slice key,
                           const struct address *client);

/* What was learned of an address. When more are waiting than REDIS_WRITER_NEWS_MAX, the newest
 * are left out. */
void redis_writer_tell_recipient(struct redis_writer *writer, const struct redis_key *key,
                                 const struct recipient_report *report,
                                 const struct recipient_lifetimes *lifetimes);

struct redis_writer_counters redis_writer_counters(struct redis_writer *writer);

#endif
