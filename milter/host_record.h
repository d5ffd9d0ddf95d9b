/*
 * host_record - what the milter tells others of this host through Redis (doc/redis.md).
 *
 * While the lease lasts and names the milter, policyd leaves admission to it. Housekeeping
 * thread.
 */
#ifndef POSTVALVE_MILTER_HOST_RECORD_H
#define POSTVALVE_MILTER_HOST_RECORD_H

#include "common/config.h"
#include "common/decide.h"
#include "milter/milter.h"

#include <stdint.h>

#define HOST_RECORD_LEASE_S 10

/* sessions: in the session table that hold a slot. */
void host_record_publish(struct milter *milter, const struct config *config,
                         const struct pressure *pressure, enum level level, int sessions,
                         int64_t lease_s);

#endif
