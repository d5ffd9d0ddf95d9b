/*
 * privileges - from root to the user a daemon runs as. Main thread, before any other thread.
 */
#ifndef POSTVALVE_HOST_PRIVILEGES_H
#define POSTVALVE_HOST_PRIVILEGES_H

#include "common/error.h"

#include <stdbool.h>

/* user and group as in the configuration: names or numbers; group "" is the user's own. Takes
 * the user's supplementary groups too. Nothing to do where user is "" or we are that user
 * already; started as another user than root or that one is an error. */
bool privileges_drop(const char *user, const char *group, struct error *error);

/* The same, but the new user has CAP_NET_ADMIN, and no other capability, where root has it here
 * (capabilities(7)). */
bool privileges_drop_except_net_admin(const char *user, const char *group, struct error *error);

#endif
