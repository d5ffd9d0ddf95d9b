/*
 * host_link - this host in Redis: the thread that offers its state under the lease, hears
 * overrides and the other hosts, and shows who holds the slots.
 *
 * It has a connection of its own, so that neither sessions nor the clock of the level ever wait
 * for Redis. What it hears goes into the stress monitor.
 */
#ifndef POSTVALVE_MILTER_HOST_LINK_H
#define POSTVALVE_MILTER_HOST_LINK_H

#include "common/error.h"
#include "milter/milter.h"

#include <stdbool.h>

struct host_link;

/* Starts the thread; milter: with all its other parts. NULL with the error set. */
struct host_link *host_link_start(struct milter *milter, struct error *error);
/* The level has changed: the others should know at once. Any thread. */
void host_link_wake(struct host_link *link);
/* Gives the lease back and ends the thread. NULL is fine. */
void host_link_end(struct host_link *link);

/* After host_link_end(): what was counted since, within half a second. NULL is fine. */
void host_link_write_counts(struct host_link *link);

#endif
