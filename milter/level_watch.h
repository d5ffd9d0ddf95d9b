/*
 * level_watch - the level of this host as the milter sees it: the level tracker, fed by every
 * session and by the clock. Any thread.
 *
 * Only processes that Postfix started under stress say so ({stress} is "yes"); those that ran
 * before go on saying "no". So one "yes" counts for the whole host, for a while.
 */
#ifndef POSTVALVE_MILTER_LEVEL_WATCH_H
#define POSTVALVE_MILTER_LEVEL_WATCH_H

#include "common/decide.h"
#include "common/level.h"

#include <stdint.h>

/* How long a "yes" counts. Under stress processes come and go by the second. */
#define LEVEL_WATCH_STRESS_MS 10000

struct level_watch;

struct level_watch *level_watch_create(void);
void level_watch_free(struct level_watch *watch);

/* Feeds one reading, of a session (with is_postfix_stressed as it says) or of the clock, and
 * sets pressure->is_postfix_stressed for the host. Returns the level; a change is logged. */
enum level level_watch_feed(struct level_watch *watch, const struct level_settings *settings,
                            struct pressure *pressure, int64_t now_ms);

#endif
