/*
 * host_record - the state of this host in Redis, PREFIXhost:NAME: who publishes it, and doing
 * so while no milter does.
 *
 * A milter that runs on this host counts its sessions exactly and decides at CONNECT; policyd
 * finds it by its record and leaves admission to it. The record is a lease: nobody's word
 * counts longer than HOST_RECORD_LEASE_S after it was written. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_HOST_RECORD_H
#define POSTVALVE_POLICYD_HOST_RECORD_H

#include "common/config.h"
#include "common/level.h"
#include "policyd/redis_async.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_RECORD_LEASE_S 10

struct event_base;
struct level_watch;
struct store;
struct host_record;

/* What another program on this host published. All zero: nobody, or Redis does not say. */
struct host_state {
    bool is_known;
    bool is_of_milter;
    enum level level;
    int slot_limit; /* 0: not known */
};

struct host_record *host_record_create(struct store *store, struct level_watch *level_watch,
                                       const struct config *config);
void host_record_free(struct host_record *record);
void host_record_reload(struct host_record *record, const struct config *config);

/* A daemon: read every second, and published unless a milter does. */
bool host_record_start(struct host_record *record, struct event_base *base);

/* A spawned process: NULL when what is known is young enough or Redis is away, else the
 * question that was asked; callback comes when it was answered or its deadline is over. */
typedef void host_record_callback(void *context);
struct redis_async_request *host_record_ask(struct host_record *record, int64_t now_ms,
                                            host_record_callback *callback, void *context);
void host_record_cancel(struct host_record *record, struct redis_async_request *request);

struct host_state host_record_state(const struct host_record *record, int64_t now_ms);

#endif
