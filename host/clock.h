/*
 * clock - the two clocks. Only the shells read them; below, time is an input.
 */
#ifndef POSTVALVE_HOST_CLOCK_H
#define POSTVALVE_HOST_CLOCK_H

#include <stdint.h>

/* For intervals and deadlines; > 0, never goes back. */
int64_t clock_monotonic_ms(void);
/* The same clock, to see how long something took. */
int64_t clock_monotonic_us(void);
/* Seconds since 1970, for history that hosts share. */
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void);

/* CPU time of the calling thread, to see what something cost. */
int64_t clock_thread_us(void);

#endif
