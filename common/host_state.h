/*
 * host_state - what one host tells the others of itself: PREFIXhost:HOST (doc/redis.md).
 *
 * One process of a host publishes, under a lease (common/host_lease.h). All times are Redis'
 * own. What is read back may have been written by anybody: it is bounded here, and counts no
 * longer than HOST_STATE_LEASE_MS after Redis' clock said it was written. Pure.
 */
#ifndef POSTVALVE_COMMON_HOST_STATE_H
#define POSTVALVE_COMMON_HOST_STATE_H

#include "common/redis_command.h"
#include "common/service_state.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_STATE_SERVICES_MAX 16
#define HOST_STATE_ID_SIZE      128
#define HOST_STATE_LEASE_MS     10000
#define HOST_STATE_SEEN_MS      2000 /* a daemon that did not offer so long is gone */
#define HOST_STATE_FIELDS_MAX   272  /* of the hash */

enum publisher { PUBLISHER_NONE, PUBLISHER_POLICYD, PUBLISHER_MILTER, PUBLISHER_COUNT };

struct host_state {
    enum publisher publisher; /* PUBLISHER_NONE: nobody publishes */
    char id[HOST_STATE_ID_SIZE];
    int64_t renewed_ms;               /* Redis' clock */
    int64_t seen_ms[PUBLISHER_COUNT]; /* when a daemon last offered; 0: never */
    bool is_off;                      /* the kill switch */
    /* Of the other hosts, as it hears them. */
    int cluster_hosts, cluster_stressed;
    enum level cluster_highest;
    size_t service_count;
    struct service_state services[HOST_STATE_SERVICES_MAX]; /* the first: the main one */
};

/* The hash as HGETALL tells it. Never fails: what makes no sense counts as not said. */
void host_state_parse(const struct redis_field *fields, size_t count,
                      struct host_state *state_r);
/* Somebody publishes, and did so within the lease. */
bool host_state_is_fresh(const struct host_state *state, int64_t redis_now_ms);
/* A daemon of this kind runs on the host: it offered within the last seconds. */
bool host_state_has(const struct host_state *state, enum publisher publisher,
                    int64_t redis_now_ms);
/* The highest of its services. */
enum level host_state_level(const struct host_state *state);
/* NULL: not published. */
const struct service_state *host_state_service(const struct host_state *state,
                                               const char *name);

const char *publisher_name(enum publisher publisher);

#endif
