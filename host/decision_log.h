/*
 * decision_log - a line of JSON for each decision, to a file and to the journal.
 *
 * Nobody waits for a disk: lines go to memory, and a thread of its own, started with the first
 * of them, writes them in one piece a few times a second. Where it cannot keep up, or the file
 * cannot be written, lines are dropped and counted (decision_lines), with one line in the log
 * when that begins and one when it is over. A file that was moved or removed is opened anew, so
 * that logrotate(8) has nobody to wait for, spawned processes included.
 *
 * Any thread may tell; open, reload, end and free belong to the owner.
 */
#ifndef POSTVALVE_HOST_DECISION_LOG_H
#define POSTVALVE_HOST_DECISION_LOG_H

#include "common/config.h"
#include "common/decision_json.h"

#include <stdbool.h>

#define DECISION_LOG_LINE_MAX  8192 /* longer ones are dropped */
#define DECISION_LOG_QUEUE_MAX (1024 * 1024)

struct decision_log;

/* process: "policyd", "milter"; stays the caller's. Opens nothing yet. */
struct decision_log *decision_log_open(const struct config *config, const char *process);
void decision_log_reload(struct decision_log *log, const struct config *config);
/* Writes what is queued; what comes later is dropped. */
void decision_log_end(struct decision_log *log);
/* Ends it. Nobody may tell any more. NULL is fine. */
void decision_log_free(struct decision_log *log);

/* Whether this decision of a rule is to be told: settings->share of them are, evenly. Cheap
 * when nobody wants any. */
bool decision_log_wants(struct decision_log *log, const struct decision_log_settings *settings,
                        enum rule rule);
/* The log itself fills in when, where and by whom it was made, and the share. */
void decision_log_tell(struct decision_log *log, const struct decision_log_settings *settings,
                       struct decision *decision);

#endif
