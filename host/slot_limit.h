/*
 * slot_limit - the process limit of the service we protect, as postconf(1) says.
 *
 * Blocks while postconf runs: some 10 ms; a second or two when main.cf or master.cf was changed
 * less than a second ago, as Postfix then waits; never more than SLOT_LIMIT_DEADLINE_MS. At
 * start and at a reload. Any thread.
 */
#ifndef POSTVALVE_HOST_SLOT_LIMIT_H
#define POSTVALVE_HOST_SLOT_LIMIT_H

#include "common/config.h"
#include "common/error.h"

#include <stdbool.h>

#define SLOT_LIMIT_DEADLINE_MS 5000

struct slot_limit {
    int processes;
    bool is_behind_postscreen; /* the limit is that of the smtpd "pass" service */
    struct error warning;      /* empty, or what the administrator should know about it */
};

/* settings->slot_limit where it is a number; otherwise the process limit of the master.cf
 * service: settings->name as it stands there ("smtp", "2525", "127.0.0.1:smtp"), or any inet
 * service on settings->port. Errors say what to set instead. */
bool slot_limit_resolve(const struct service_settings *settings, struct slot_limit *limit_r,
                        struct error *error);

#endif
