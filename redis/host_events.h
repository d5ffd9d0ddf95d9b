/*
 * host_events - what a daemon sees and tells in the stream of events, whoever publishes the
 * host: see doc/redis.md.
 */
#ifndef POSTVALVE_REDIS_HOST_EVENTS_H
#define POSTVALVE_REDIS_HOST_EVENTS_H

#include "common/reclaim.h"
#include "host/history_guard.h"
#include "redis/host_exchange.h"

void host_events_note_history_cap(struct host_exchange *exchange,
                                  const struct history_cap_news *news);
void host_events_note_reclaim(struct host_exchange *exchange, const struct reclaim_news *news);

#endif
