/*
 * A fixed logarithmic histogram of latencies: what the load generator counts in.
 *
 * Exact below 128 ns, above that 64 buckets for each power of two, so that a percentile
 * is at most 1.6 % too high. Nothing is allocated; the owner zeroes it. One thread.
 */
#ifndef POSTVALVE_T_BENCH_HISTOGRAM_H
#define POSTVALVE_T_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_MAX_BITS 40 /* 2^40 ns are 18 minutes: longer ones count as that */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);

/* The value (upper edge of its bucket, ns) that `share` (0..1) of all do not exceed. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double share);

#endif
