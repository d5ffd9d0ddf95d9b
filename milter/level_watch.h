/*
 * level_watch - the level of this host as the milter sees it: the level tracker, fed by every
 * session and by the clock. Any thread.
 *
 * Only processes that Postfix started under stress say so ({stress} is "yes"); those that ran
 * before go on saying "no". So one "yes" counts for the whole host, for a while.
 */
#ifndef POSTVALVE_MILTER_LEVEL_WATCH_H
#define POSTVALVE_MILTER_LEVEL_WATCH_H

#include "common/config.h"
#include "common/decide.h"
#include "common/level.h"
#include "common/override.h"
#include "common/service_state.h"
#include "common/stress.h"

#include <stdint.h>

struct level_watch;

struct level_watch *level_watch_create(void);
void level_watch_free(struct level_watch *watch);

/* Feeds one reading, of a session (with is_postfix_stressed as it says) or of the clock, and
 * sets pressure->is_postfix_stressed and pressure->value for the host. Returns the level that
 * counts; a change is logged. */
enum level level_watch_feed(struct level_watch *watch, const struct config *config,
                            struct pressure *pressure, int64_t now_ms);

/* A session ended, and not by us. */
void level_watch_note_end(struct level_watch *watch, enum session_ending ending,
                          int64_t now_ms);

/* A client was hung up on because of the level. */
void level_watch_note_turned_away(struct level_watch *watch, const struct config *config,
                                  int64_t now_ms);

/* What administrators and other hosts say, until the next call. */
void level_watch_set_outside(struct level_watch *watch, const struct override_effect *effect,
                             enum level floor);
/* As for struct facts. */
void level_watch_get_override(struct level_watch *watch, bool *is_level_forced_r,
                              bool *is_off_r);
/* Sets the level, its source and age, what drives the pressure, and Postfix's own view; true:
 * switched off. */
bool level_watch_describe(struct level_watch *watch, int64_t now_ms,
                          struct service_state *service);

#endif
