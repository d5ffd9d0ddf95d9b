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

#define SLOT_LIMIT_SERVICES_MAX 8
#define SLOT_LIMIT_NAME_SIZE    65
#define SLOT_LIMIT_PATH_SIZE    1024

struct master_service {
    char name[SLOT_LIMIT_NAME_SIZE]; /* first column of master.cf */
    char type[8];                    /* "inet", "pass" */
};

struct slot_limit {
    int processes;
    bool is_behind_postscreen; /* the limit is that of the smtpd "pass" service */
    struct error warning;      /* empty, or what the administrator should know about it */
    /* Whose smtpd processes the slots are; none where Postfix was not asked. */
    struct master_service services[SLOT_LIMIT_SERVICES_MAX];
    size_t service_count;
    char queue_directory[SLOT_LIMIT_PATH_SIZE]; /* "": not known */
};

/* settings->slot_limit where it is a number: Postfix is not asked then. Otherwise the process
 * limit of the master.cf service: settings->name as it stands there ("smtp", "2525",
 * "127.0.0.1:smtp"), or any inet service on settings->port. Errors say what to set instead. */
bool slot_limit_resolve(const struct service_settings *settings, struct slot_limit *limit_r,
                        struct error *error);
/* As slot_limit_resolve(), but always asks Postfix, for the services too. Where that fails a
 * number in the settings still counts, and is no failure. */
bool slot_limit_describe(const struct service_settings *settings, struct slot_limit *limit_r,
                         struct error *error);

#endif
