/*
 * newcomer_watch - the newcomers of common/newcomers.h as the milter sees them. Any thread.
 */
#ifndef POSTVALVE_MILTER_NEWCOMER_WATCH_H
#define POSTVALVE_MILTER_NEWCOMER_WATCH_H

#include "common/newcomers.h"

#include <stdbool.h>
#include <stdint.h>

struct newcomer_watch;

struct newcomer_watch *newcomer_watch_create(void);

/* The session of a newcomer ended, or is about to. */
void newcomer_watch_note_end(struct newcomer_watch *watch,
                             const struct session_outcome *outcome, int64_t held_ms,
                             int64_t now_ms);
/* By the clock. A change is logged. */
void newcomer_watch_tick(struct newcomer_watch *watch,
                         const struct newcomers_settings *settings, enum level level,
                         int slot_limit, int64_t now_ms);
/* Between two ticks, after news. */
void newcomer_watch_look_again(struct newcomer_watch *watch,
                               const struct newcomers_settings *settings, int64_t now_ms);
/* As for struct newcomer_facts. */
bool newcomer_watch_is_on_trial(struct newcomer_watch *watch);
int newcomer_watch_delivering(struct newcomer_watch *watch, int64_t now_ms);

#endif
