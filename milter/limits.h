/*
 * limits - what the process may use: descriptors, and memory for each thread.
 */
#ifndef POSTVALVE_MILTER_LIMITS_H
#define POSTVALVE_MILTER_LIMITS_H

#include <stddef.h>

/* Main thread, at start. Descriptors: as many as the hard limit allows, up to a sane maximum.
 * Stacks: 256 KiB instead of the usual 8 MiB for threads started from now on, libmilter's
 * included; with a sanitizer the usual. Returns how many sessions there may be at a time. */
size_t limits_set(void);

#endif
