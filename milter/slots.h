/*
 * slots - the pressure as the milter knows it: its own sessions, exact and without delay, and
 * those that were there before it.
 *
 * A milter that is restarted under load meets a Postfix whose slots are held by sessions it
 * never heard of. The kernel counts them at the start; they can only become fewer.
 *
 * slots_tick() belongs to one thread; slots_read() to any.
 */
#ifndef POSTVALVE_MILTER_SLOTS_H
#define POSTVALVE_MILTER_SLOTS_H

#include "common/config.h"
#include "common/decide.h"
#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

struct slots;

/* Blocks while postconf runs. NULL with the error set: no slot limit to be had. */
struct slots *slots_open(const struct service_settings *settings, int64_t now_ms,
                         struct error *error);
/* After a reload; on failure everything stays. Blocks like slots_open(). */
bool slots_refresh(struct slots *slots, const struct service_settings *settings,
                   struct error *error);

/* busy_sessions: of the session table. now_ms: monotonic. */
void slots_read(struct slots *slots, int busy_sessions, int64_t now_ms,
                struct pressure *pressure_r);
/* Looks what is left of the sessions from before; costs nothing once there are none. */
void slots_tick(struct slots *slots, int busy_sessions, int64_t now_ms);

#endif
