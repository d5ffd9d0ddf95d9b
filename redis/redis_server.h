/*
 * redis_server - the one Redis server of a process: where it is, how to log in, how it is.
 *
 * Shared by all connections of the process, whichever thread they are in, so that a Redis that
 * is away is tried once a moment and not once a connection, and each change is one log line.
 * Thread-safe. The owner frees it last.
 */
#ifndef POSTVALVE_REDIS_REDIS_SERVER_H
#define POSTVALVE_REDIS_REDIS_SERVER_H

#include "common/config.h"
#include "common/error.h"
#include "common/redis_health.h"
#include "common/slice.h"
#include "redis/name_lookup.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_server;

/* The settings are copied. With ENDPOINT_NONE nothing is ever allowed: run without Redis. */
struct redis_server *redis_server_create(const struct redis_settings *settings);
/* Changes of state are not logged: whoever asks says so where it shows. */
void redis_server_silence(struct redis_server *server);
/* Ends the name lookup thread, if there is one. NULL is fine. */
void redis_server_free(struct redis_server *server);
const struct redis_settings *redis_server_settings(const struct redis_server *server);

/* Permission for one try now, to be followed by succeeded or failed. */
bool redis_server_allows(struct redis_server *server, enum redis_use use);
void redis_server_succeeded(struct redis_server *server, enum redis_use use);
void redis_server_failed(struct redis_server *server, enum redis_use use,
                         enum redis_trouble trouble, struct slice detail);

/* Permission would be given; takes none. */
bool redis_server_may_try(struct redis_server *server, enum redis_use use);

/* For status and for client_cache_merge(). */
bool redis_server_is_well(struct redis_server *server, enum redis_use use);
enum redis_trouble redis_server_trouble(struct redis_server *server);
/* What is counted of it at this moment (host/count.h). */
void redis_server_set_gauges(struct redis_server *server);

enum redis_lookup { REDIS_LOOKUP_DONE, REDIS_LOOKUP_PENDING, REDIS_LOOKUP_FAILED };

/* Where to connect. A host name is looked up by a thread of its own, again when none of its
 * addresses would do: this waits for it until until_ms (monotonic; 0: not at all), then it is
 * PENDING. */
enum redis_lookup redis_server_address(struct redis_server *server, int64_t until_ms,
                                       struct name_address *address_r, struct error *error);

#endif
