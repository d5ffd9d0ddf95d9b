/*
 * host_exchange - what a daemon and Redis tell each other of hosts: our state under its lease,
 * overrides, the other hosts, events.
 *
 * Both daemons do it alike, several times a second: offer (writes), then ask (reads), each one
 * pipeline, so that a Redis that takes no writes is still heard. Sending and receiving is up to
 * the owner: the milter blocks in a thread for it, policyd has its event loop. A spawned
 * policyd only asks. Times of Redis are Redis' own; between two answers its clock is carried on
 * with ours. Not thread-safe: the owner locks.
 */
#ifndef POSTVALVE_REDIS_HOST_EXCHANGE_H
#define POSTVALVE_REDIS_HOST_EXCHANGE_H

#include "common/cluster.h"
#include "common/host_lease.h"
#include "common/host_state.h"
#include "common/override.h"
#include "common/redis_command.h"
#include "host/history_guard.h"
#include "redis/redis_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_exchange;

#define HOST_EXCHANGE_MS 250 /* how often a daemon does it */

/* publisher: what the process is; PUBLISHER_NONE: it only asks. prefix, host: copied. */
struct host_exchange *host_exchange_create(enum publisher publisher, const char *prefix,
                                           const char *host);
void host_exchange_free(struct host_exchange *exchange);
/* Made with these. */
bool host_exchange_is_of(const struct host_exchange *exchange, const char *prefix,
                         const char *host);

/* A pipeline: commands in wire form, good until the next call, and how many replies. */
struct host_commands {
    const struct redis_command *command;
    size_t count;
};

/* Our state, and what has happened since the last offer: changed levels, for instance, are seen
 * by comparing. What state says of the cluster does not count. is_last: we end. */
struct host_commands host_exchange_offer(struct host_exchange *exchange,
                                         const struct host_state *state, bool is_last,
                                         int64_t now_ms);
/* An event of this host that goes out with the next offer; see host_events.h. */
#define HOST_EVENT_FIELDS_MAX 8
void host_exchange_note_event(struct host_exchange *exchange, const char *type,
                              const struct redis_field *fields, size_t count);
/* Each reply, in order; NULL: no answer. */
void host_exchange_take_offer_reply(struct host_exchange *exchange, size_t index,
                                    const struct redis_reply *reply);

/* What is said to us, and by the other hosts: the more there are, the less often. */
struct host_commands host_exchange_ask(struct host_exchange *exchange, int64_t now_ms);
/* True with the last one, when all were answered: there is news. */
bool host_exchange_take_answer(struct host_exchange *exchange, size_t index,
                               const struct redis_reply *reply, int64_t now_ms);

/* There is no reply to come after this one. */
bool host_exchange_is_last(const struct host_exchange *exchange, size_t index);

/* What is known; now_ms: monotonic. */

/* Our last offer was taken. */
bool host_exchange_is_publisher(const struct host_exchange *exchange);
/* A milter runs on this host, by the last answer. Without answers it goes on to count: two who
 * both decide would turn a client away twice. */
bool host_exchange_has_milter(const struct host_exchange *exchange);
/* What the other hosts say has changed since the last offer told of it. */
bool host_exchange_wants_offer(const struct host_exchange *exchange, int64_t now_ms);
/* What another process of this host measured within the last moment, and knows better than we:
 * for a daemon a milter, for one who only asks whoever publishes. NULL: nobody. */
const struct host_state *host_exchange_measured(const struct host_exchange *exchange,
                                                int64_t now_ms);
struct cluster_summary host_exchange_cluster(const struct host_exchange *exchange,
                                             int64_t now_ms);
/* What is forced now. Each change is one log line, and of the publisher an event; true then. */
bool host_exchange_update_effect(struct host_exchange *exchange, int64_t now_ms,
                                 struct override_effect *effect_r);

#endif
