/*
 * history - what is known of clients: memory first, then Redis, and how sessions ended for
 * both.
 *
 * Any thread. Reading waits for Redis no longer than its deadline; writing never waits.
 */
#ifndef POSTVALVE_MILTER_HISTORY_H
#define POSTVALVE_MILTER_HISTORY_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/client_keys.h"
#include "common/client_record.h"
#include "common/config.h"
#include "common/error.h"
#include "common/recipient_record.h"
#include "common/redis_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct redis_server;

/* Starts a thread. The redis, memory and history settings count as they are now; they are
 * copied. NULL with the error set. */
struct history *history_open(const struct config *config, struct error *error);
/* At the end of the program: writes what is left, within flush_ms, and nothing any more.
 * Threads of sessions may go on using it. */
void history_flush(struct history *history, int64_t flush_ms);

/* What is known of a client, its network and its domain: the record, or that there is none, or
 * (HISTORY_MISSING) that nobody could say in time. One round trip at most. */
void history_read(struct history *history, const struct client_keys *keys, int64_t now_ms,
                  struct history_fact facts_r[static SCOPE_COUNT]);
/* As history_read(), from memory alone; HISTORY_MISSING: not there. */
void history_read_memory(struct history *history, const struct client_keys *keys,
                         int64_t now_ms, struct history_fact facts_r[static SCOPE_COUNT]);

/* Tells policyd of a client that is new, so that it has asked DNS lists before the client gets
 * to MAIL. */
void history_announce(struct history *history, const struct address *client);

/* The outcome of a session, for its client, network and domain. */
void history_add(struct history *history, const struct client_keys *keys,
                 const struct session_outcome *outcome, const struct class_settings *settings,
                 int64_t now_s);

/* What was learned of an address, for policyd; nothing waits for it. */
void history_tell_recipient(struct history *history, const struct redis_key *key,
                            const struct recipient_report *report,
                            const struct recipient_lifetimes *lifetimes);

/* One key, from memory. */
void history_forget(struct history *history, const struct client_key *key);

/* The server that it uses, for who uses it beside. */
struct redis_server *history_redis_server(struct history *history);
const struct redis_settings *history_redis_settings(struct history *history);

#endif
