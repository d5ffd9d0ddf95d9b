/*
 * count - the counters of this process (common/counter.def).
 *
 * As with the log there is one set a process, and whoever sees something happen counts it
 * there. Any thread; one relaxed atomic addition. A pure module returns what happened, and the
 * shell counts it.
 *
 *   COUNT(SESSIONS_ENDED, CLASS_GOOD, SESSION_END_MAIL);
 *   COUNT_ADD(SLOT_TIME, elapsed_ms, CLASS_GOOD);
 *   OBSERVE(DECISION, elapsed_us);
 *   SET_GAUGE(REDIS_UP, 1, REDIS_USE_READ);
 *
 * Label values follow in the order of the table. Of a dynamic label it is what count_list() or
 * count_service() returned.
 */
#ifndef POSTVALVE_HOST_COUNT_H
#define POSTVALVE_HOST_COUNT_H

#include "common/counter.h"

#define COUNT_LABELS(...) ((const unsigned[COUNTER_LABELS_MAX]){__VA_ARGS__})

#define COUNT(symbol, ...) COUNT_ADD(symbol, 1, __VA_ARGS__)
#define COUNT_ADD(symbol, amount, ...)                                                         \
    counter_add(count_set(), COUNTER_##symbol, COUNT_LABELS(__VA_ARGS__), (amount))
#define OBSERVE(symbol, value, ...)                                                            \
    counter_observe(count_set(), COUNTER_##symbol, COUNT_LABELS(__VA_ARGS__), (value))
#define SET_GAUGE(symbol, value, ...)                                                          \
    counter_set_gauge(count_set(), COUNTER_##symbol, COUNT_LABELS(__VA_ARGS__), (value))
/* What was counted so far, for tests and for the log. */
#define COUNTED(symbol, ...)                                                                   \
    counter_get(count_set(), COUNTER_##symbol, COUNT_LABELS(__VA_ARGS__))

struct counter_set *count_set(void);

/* The label value of a DNS list (by its zone) or a service (by its name), for as long as the
 * process lives. */
unsigned count_list(const char *zone);
unsigned count_service(const char *name);

#endif
