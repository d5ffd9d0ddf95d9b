/*
 * pressure_source - the pressure of this host: slot limit from Postfix, busy slots and waiting
 * clients from the kernel.
 *
 *   slots = busy / slot_limit
 *   value = max(slots, (busy + waiting) / slot_limit)
 *
 * is_postfix_stressed is left false: the caller knows it from the request or the macro.
 *
 * Any number of threads may share a source; it has its own mutex, held while the kernel is
 * asked. A change between measured and not measured is logged here, once.
 */
#ifndef POSTVALVE_HOST_PRESSURE_SOURCE_H
#define POSTVALVE_HOST_PRESSURE_SOURCE_H

#include "common/config.h"
#include "common/decide.h"
#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The queue of waiting clients is asked for this often: 10 us of CPU. */
#define PRESSURE_CACHE_MS 10
/* What asks the kernel for all connections costs 0.2 ms at rest, and some milliseconds when a
 * flood has left its tens of thousands in TIME_WAIT. Busy slots are kept for 30 times of what
 * finding them took, at least PRESSURE_CACHE_MS: so the sensor takes no more than a thirtieth
 * of a CPU. Sessions admitted meanwhile are added, see pressure_source_note_admitted(). */
#define PRESSURE_CACHE_COSTS  30
#define PRESSURE_CACHE_MAX_MS 1000

struct pressure_source;

/* Finds the slot limit: blocks while postconf runs. NULL and an error where it cannot be had.
 * settings is copied. */
struct pressure_source *pressure_source_open(const struct service_settings *settings,
                                             struct error *error);
void pressure_source_close(struct pressure_source *source);

/* Asks for the slot limit again, e.g. after a reload, with new settings if not NULL. On failure
 * everything stays as it was. Blocks like open; readings by other threads go on meanwhile. */
bool pressure_source_refresh(struct pressure_source *source,
                             const struct service_settings *settings, struct error *error);

/* Busy slots and waiting clients as the kernel has them. now_ms: monotonic. Not known while
 * nobody listens on the port, and behind postscreen(8), whose own connections look the same. */
void pressure_source_read(struct pressure_source *source, int64_t now_ms,
                          struct pressure *pressure_r);
/* A session was admitted at its very start (CONNECT), so the kept reading does not have it yet:
 * it counts as busy until the next reading, and when there are many such sessions (5 % of the
 * slots) the next reading is taken early. This is what keeps a burst that is faster than the
 * sensor below the ceilings. Not for sessions first seen later (RCPT): these are in the
 * reading.
 */
void pressure_source_note_admitted(struct pressure_source *source);
/* Busy slots as the caller counts them, only the waiting clients from the kernel (and 0 where
 * that fails): always known. */
void pressure_source_read_exact(struct pressure_source *source, int busy_now, int64_t now_ms,
                                struct pressure *pressure_r);

int pressure_source_slot_limit(struct pressure_source *source);

#endif
