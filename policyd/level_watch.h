/*
 * level_watch - the pressure of this moment, and the level that follows from it with
 * hysteresis.
 *
 * A daemon reads the pressure on a tick, so that the level also moves when no request comes,
 * and with every request. A spawned process sees only its own requests and lives too briefly
 * for hysteresis: it takes the level that the host's publisher wrote to Redis. Loop thread
 * only.
 */
#ifndef POSTVALVE_POLICYD_LEVEL_WATCH_H
#define POSTVALVE_POLICYD_LEVEL_WATCH_H

#include "common/config.h"
#include "common/decide.h"
#include "common/error.h"
#include "common/override.h"
#include "common/service_state.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct level_watch;

struct level_reading {
    struct pressure pressure;
    enum level level; /* the one that counts */
    bool is_level_forced, is_off;
};

/* Finds the slot limit: may run postconf(1) and so blocks for some 10 ms. NULL and an error
 * where it cannot be had. config must live until the next level_watch_reload(). */
struct level_watch *level_watch_open(const struct config *config, struct error *error);
/* For a spawned process: nothing is done before the first reading. */
struct level_watch *level_watch_open_lazily(const struct config *config);
void level_watch_free(struct level_watch *watch);
/* False, and an error, when the new slot limit cannot be had: then the old one stays. */
bool level_watch_reload(struct level_watch *watch, const struct config *config,
                        struct error *error);
bool level_watch_start_ticking(struct level_watch *watch, struct event_base *base);

bool level_watch_is_off(const struct level_watch *watch);
/* When a level changes; from within the loop. */
void level_watch_on_change(struct level_watch *watch, void (*callback)(void *context),
                           void *context);

/* What the publisher of this host says (slot_limit 0: nobody says it). Only for a lazy one: it
 * saves asking postconf, and is the level until the next call. */
void level_watch_take_over(struct level_watch *watch, int slot_limit, enum level level);

/* What administrators and other hosts say, until the next call. */
void level_watch_set_outside(struct level_watch *watch, const struct override_effect *effect,
                             enum level floor, int64_t now_ms);
/* Reads, and tells all of it, to be published. */
void level_watch_state(struct level_watch *watch, int64_t now_ms,
                       struct service_state *state_r);

/* is_postfix_stressed: the request that asks says so. One smtpd process under stress means that
 * the host is, though older processes say nothing: it is remembered for a moment. */
void level_watch_read(struct level_watch *watch, bool is_postfix_stressed, int64_t now_ms,
                      struct level_reading *reading_r);
/* A session was admitted at CONNECT: its slot counts as busy before the next reading finds it.
 */
void level_watch_note_admitted(struct level_watch *watch);

#endif
