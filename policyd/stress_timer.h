/*
 * stress_timer - ticks the stress monitor of a daemon from its event loop, and says when there
 * is something new to tell of the host. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_STRESS_TIMER_H
#define POSTVALVE_POLICYD_STRESS_TIMER_H

struct event_base;
struct stress_monitor;
struct stress_timer;

/* A level has changed, or so many slots were taken or freed that the numbers told last are
 * wrong. */
typedef void stress_timer_callback(void *context);

/* Ticks at once. monitor must outlive it. NULL: the loop takes no timers. */
struct stress_timer *stress_timer_start(struct event_base *base, struct stress_monitor *monitor,
                                        stress_timer_callback *callback, void *context);
/* NULL is fine. */
void stress_timer_free(struct stress_timer *timer);

#endif
