/*
 * listener - the socket that Postfix connects to. libmilter opens and serves it; here is what
 * libmilter leaves out: a stale or busy socket file, owner and mode, the file at the end.
 */
#ifndef POSTVALVE_MILTER_LISTENER_H
#define POSTVALVE_MILTER_LISTENER_H

#include "common/config.h"
#include "common/error.h"

#include <stdbool.h>

/* Main thread, once, after callbacks_register(). */
bool listener_open(const struct milter_settings *settings, struct error *error);

/* Serves until libmilter gives up: it never does while all is well. */
void listener_serve(void);

/* Removes the file of a unix socket, if it is still ours. Any thread. */
void listener_remove_file(void);

#endif
