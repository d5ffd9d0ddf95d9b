/*
 * housekeeping - the thread beside libmilter: level and host record by the clock, HUP, the end.
 */
#ifndef POSTVALVE_MILTER_HOUSEKEEPING_H
#define POSTVALVE_MILTER_HOUSEKEEPING_H

#include "common/config.h"
#include "common/error.h"
#include "milter/milter.h"

#include <stdbool.h>

bool housekeeping_start(struct milter *milter, struct error *error);

/* Ends the program: no new sessions, the running ones are written down, exit. Sessions that are
 * cut off go on in Postfix as milter_default_action says. Whoever comes second waits for the
 * end. Any thread. */
_Noreturn void housekeeping_end(struct milter *milter, int status);

#endif
