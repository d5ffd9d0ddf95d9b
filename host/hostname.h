/*
 * hostname - the name of this host in Redis keys, log and status.
 */
#ifndef POSTVALVE_HOST_HOSTNAME_H
#define POSTVALVE_HOST_HOSTNAME_H

#include <stddef.h>

#define HOSTNAME_SIZE 256

/* The configured name, or gethostname(2) where that is "". Characters that are not letters,
 * digits, '.', '-' or '_' become '_'. */
void hostname_get(const char *configured, char out[static HOSTNAME_SIZE]);

#endif
