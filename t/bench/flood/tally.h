/*
 * tally - what a group of clients counts: of the whole run and of the last second.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_TALLY_H
#define POSTVALVE_T_BENCH_FLOOD_TALLY_H

#include "t/bench/flood/scenario.h"
#include "t/bench/histogram.h"

#include <stdint.h>

/* Names and meaning: counter_table in report.c. */
enum counter {
    COUNTER_ATTEMPTS,
    COUNTER_CONNECTED,
    COUNTER_BANNERS,
    COUNTER_HUNG_UP_421,
    COUNTER_HUNG_UP_521,
    COUNTER_REFUSED_554,
    COUNTER_REPLIES_4XX,
    COUNTER_REPLIES_5XX,
    COUNTER_TIMEOUTS,
    COUNTER_LOST,
    COUNTER_MESSAGES,
    COUNTER_SKIPPED,
    COUNTER_DELIVERED,
    COUNTER_RETRIES,
    COUNTER_REJECTED,
    COUNTER_GIVEN_UP,
    COUNTER_COUNT
};

enum gauge {
    GAUGE_OPEN,     /* connections, those being made included */
    GAUGE_WAITING,  /* ... for the first reply */
    GAUGE_ADMITTED, /* ... that got a banner */
    GAUGE_PENDING,  /* messages neither delivered nor rejected yet */
    GAUGE_COUNT
};

struct tally {
    uint64_t total[COUNTER_COUNT];
    uint64_t second[COUNTER_COUNT];
    int64_t gauge[GAUGE_COUNT];
    /* Connect to banner. An attempt that got none counts with the time it waited, unless it
     * was turned away by a reply. */
    struct histogram banner;
    struct histogram banner_second;
    struct histogram delivery; /* first attempt to delivery */
    uint64_t in_time_of;       /* messages that had the time to be delivered in time ... */
    uint64_t in_time;          /* ... and that were */
    uint64_t within[SCENARIO_LIMITS_MAX]; /* messages delivered within the scenario's limits */
    /* Slots held, from banner to close, by all sessions together; as of slot_at_ns. */
    int64_t slot_at_ns;
    double slot_s, slot_second_s;
    int64_t longest_hold_ns;
};

static inline void tally_count(struct tally *tally, enum counter counter)
{
    tally->total[counter]++;
    tally->second[counter]++;
}

/* Brings the slots held up to now; before the gauge of admitted sessions changes. */
static inline void tally_advance(struct tally *tally, int64_t now_ns)
{
    double held_s =
        (double)tally->gauge[GAUGE_ADMITTED] * (double)(now_ns - tally->slot_at_ns) / 1e9;

    tally->slot_s += held_s;
    tally->slot_second_s += held_s;
    tally->slot_at_ns = now_ns;
}

static inline void tally_banner(struct tally *tally, int64_t ns)
{
    histogram_add(&tally->banner, (uint64_t)ns);
    histogram_add(&tally->banner_second, (uint64_t)ns);
}

#endif
