/*
 * stress_limits - asks Postfix for the slot limits of services, here or in a thread of its own.
 * For stress_monitor.c alone.
 */
#ifndef POSTVALVE_HOST_STRESS_LIMITS_H
#define POSTVALVE_HOST_STRESS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stress_limits;
struct stress_service;

/* Of those that need one, which count as asked then. NULL: none does. */
struct stress_limits *stress_limits_create(struct stress_service *const services[],
                                           size_t count, int64_t now_ms);
/* Waits for the thread, if it is at work. NULL is fine. */
void stress_limits_free(struct stress_limits *limits);

/* Asks, and is done with it when it returns. */
void stress_limits_run(struct stress_limits *limits);
/* Asks in a thread, signals blocked; without one to be had, here. */
void stress_limits_start(struct stress_limits *limits);
bool stress_limits_is_done(struct stress_limits *limits);
/* Once it is done: to those that are still there, by their port. */
void stress_limits_hand_out(const struct stress_limits *limits,
                            struct stress_service *const services[], size_t count);

#endif
