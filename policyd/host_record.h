/*
 * host_record - this host in Redis: what is published of it, and what is said to it.
 *
 * A daemon offers its state for PREFIXhost:NAME under the lease and hears of overrides and of
 * the other hosts, in redis/host_exchange.h; a spawned process asks along with its requests. A
 * milter that runs on this host counts its sessions exactly and decides at CONNECT: policyd
 * leaves admission to it. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_HOST_RECORD_H
#define POSTVALVE_POLICYD_HOST_RECORD_H

#include "common/config.h"
#include "policyd/redis_async.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct history_cap_news;
struct store;
struct stress_monitor;
struct host_record;

/* What is known of this host. All zero: nobody, or Redis does not say. */
struct host_word {
    bool has_milter;
};

/* is_spawned: it publishes nothing. */
struct host_record *host_record_create(struct store *store, struct stress_monitor *monitor,
                                       const struct config *config, bool is_spawned);
/* Before store_close(). */
void host_record_free(struct host_record *record);
void host_record_reload(struct host_record *record, const struct config *config);

/* A daemon: from now on. */
bool host_record_start(struct host_record *record, struct event_base *base);
/* Something has changed that others should know. */
void host_record_tell(struct host_record *record);
/* A daemon that ends: gives the lease back. */
void host_record_end(struct host_record *record);

/* A spawned process: NULL when what is known is young enough or Redis is away, else the
 * question that was asked; callback comes when it was answered or its deadline is over. */
typedef void host_record_callback(void *context);
struct redis_async_request *host_record_ask(struct host_record *record, int64_t now_ms,
                                            host_record_callback *callback, void *context);
void host_record_cancel(struct host_record *record, struct redis_async_request *request);

/* Sets is_allowed and is_blocked where an administrator said so. */
void host_record_tell_access(const struct host_record *record, const struct address *address,
                             int64_t now_ms, struct client_facts *facts);

struct host_word host_record_word(const struct host_record *record);

/* An event, told with the next offer. */
void host_record_note_history_cap(struct host_record *record,
                                  const struct history_cap_news *news);

#endif
