/*
 * stress_limits - asks Postfix for slot limits, here or in a thread of its own. For
 * stress_monitor.c alone.
 */
#ifndef POSTVALVE_HOST_STRESS_LIMITS_H
#define POSTVALVE_HOST_STRESS_LIMITS_H

#include "common/config.h"
#include "common/error.h"
#include "host/slot_limit.h"

#include <stdbool.h>
#include <stddef.h>

struct stress_limits;

struct stress_limit_answer {
    struct service_settings settings;
    bool is_found;
    struct slot_limit limit;
    struct error error; /* where not */
};

/* The settings are copied. */
struct stress_limits *stress_limits_create(const struct service_settings *const settings[],
                                           size_t count);
/* Waits for the thread, if it is at work. NULL is fine. */
void stress_limits_free(struct stress_limits *limits);

/* Asks, and is done with it when it returns. */
void stress_limits_run(struct stress_limits *limits);
/* Asks in a thread, signals blocked; without one to be had, here. */
void stress_limits_start(struct stress_limits *limits);
bool stress_limits_is_done(struct stress_limits *limits);

/* Once it is done. */
size_t stress_limits_count(const struct stress_limits *limits);
const struct stress_limit_answer *stress_limits_answer(const struct stress_limits *limits,
                                                       size_t index);

#endif
