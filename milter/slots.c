#include "milter/slots.h"

#include "common/memory.h"
#include "host/pressure_source.h"

#include <stdatomic.h>
#include <stdlib.h>

/* By then a silent client has met smtpd_timeout. The count is given up, since where a proxy or
 * postscreen(8) keeps connections that never become sessions it would never reach zero. */
#define BEFORE_US_MS 300000

struct slots {
    struct pressure_source *source;
    int64_t opened_ms;
    atomic_int before_us; /* sessions that the milter was never told of */
};

struct slots *slots_open(const struct service_settings *settings, int64_t now_ms,
                         struct error *error)
{
    struct pressure_source *source = pressure_source_open(settings, error);
    if (!source)
        return NULL;
    struct slots *slots = memory_allocate(1, sizeof(*slots));
    slots->source = source;
    slots->opened_ms = now_ms;
    struct pressure pressure;
    pressure_source_read(source, now_ms, &pressure);
    atomic_init(&slots->before_us, pressure.is_known ? pressure.busy : 0);
    return slots;
}

bool slots_refresh(struct slots *slots, const struct service_settings *settings,
                   struct error *error)
{
    return pressure_source_refresh(slots->source, settings, error);
}

void slots_read(struct slots *slots, int busy_sessions, int64_t now_ms,
                struct pressure *pressure_r)
{
    int busy = busy_sessions + atomic_load(&slots->before_us);
    pressure_source_read_exact(slots->source, busy, now_ms, pressure_r);
}

void slots_tick(struct slots *slots, int busy_sessions, int64_t now_ms)
{
    int before_us = atomic_load(&slots->before_us);
    if (before_us == 0)
        return;
    struct pressure pressure;
    pressure_source_read(slots->source, now_ms, &pressure);
    int unexplained = pressure.is_known ? pressure.busy - busy_sessions : 0;
    if (unexplained < before_us)
        before_us = unexplained > 0 ? unexplained : 0;
    if (now_ms - slots->opened_ms >= BEFORE_US_MS)
        before_us = 0;
    atomic_store(&slots->before_us, before_us);
}
