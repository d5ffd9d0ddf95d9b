/*
 * redis_connection - one connection that never blocks: commands in wire form go out, replies
 * come in. What to wait for, and for how long, is up to the owner: redis_link polls, policyd's
 * redis_async has its event loop.
 *
 * The one place that knows hiredis, and of that only the reader of replies. Its asynchronous
 * half ends the program when a server sends a reply that nobody asked for (any service that
 * greets with "+OK" does), and takes an allocation for each part of a reply; here replies are
 * built in memory of the connection, up to a maximum. One thread at a time.
 */
#ifndef POSTVALVE_REDIS_REDIS_CONNECTION_H
#define POSTVALVE_REDIS_REDIS_CONNECTION_H

#include "common/config.h"
#include "common/error.h"
#include "common/redis_health.h"
#include "common/slice.h"
#include "redis/name_lookup.h"
#include "redis/redis_reply.h"

#include <stdbool.h>

#define REDIS_REPLY_MAX       1048576 /* bytes of one reply */
#define REDIS_REPLY_ITEMS_MAX 65536
#define REDIS_OUTPUT_MAX      4194304 /* bytes waiting to be sent */

struct redis_connection;

enum redis_io { REDIS_IO_DONE, REDIS_IO_AGAIN, REDIS_IO_FAILED };

struct redis_connection *redis_connection_create(void);
void redis_connection_free(struct redis_connection *connection);

/* Begins to connect; it goes on by itself and shows in the first flush or read. False, with the
 * error set, when it failed at once. */
bool redis_connection_open(struct redis_connection *connection,
                           const struct name_address *address, struct error *error);
void redis_connection_close(struct redis_connection *connection);
bool redis_connection_is_open(const struct redis_connection *connection);
int redis_connection_fd(const struct redis_connection *connection);
/* Nothing was asked, so there is nothing to read: if there is, the server ended it. */
bool redis_connection_is_stale(const struct redis_connection *connection);

/* Copies bytes to the output; false: no room. */
bool redis_connection_send(struct redis_connection *connection, struct slice bytes);
/* AGAIN: wait until it can be written to. FAILED: trouble_r and error say why. */
enum redis_io redis_connection_flush(struct redis_connection *connection,
                                     enum redis_trouble *trouble_r, struct error *error);
/* One read(2); after it there may be replies. DONE: there is more to read at once. AGAIN: wait
 * until it is readable. */
enum redis_io redis_connection_read(struct redis_connection *connection,
                                    enum redis_trouble *trouble_r, struct error *error);
/* DONE: the next reply, good until the next call. AGAIN: none complete. FAILED: what came is
 * no reply, or one too large. */
enum redis_io redis_connection_reply(struct redis_connection *connection,
                                     const struct redis_reply **reply_r, struct error *error);

/* Login: AUTH and SELECT as far as the settings have them, SCRIPT LOAD. Puts the commands into
 * the output and returns how many replies come first because of them. */
int redis_connection_login(struct redis_connection *connection,
                           const struct redis_settings *settings);
/* To be fed each of them in order. TROUBLE_NONE: all is well. */
enum redis_trouble redis_connection_login_reply(struct redis_connection *connection,
                                                const struct redis_reply *reply);
/* SHA-1 of client_record_script in hex; empty when not known. */
struct slice redis_connection_script_digest(const struct redis_connection *connection);

#endif
