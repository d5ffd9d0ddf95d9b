#include "t/bench/histogram.h"

#include <string.h>

static unsigned bucket_of(uint64_t ns)
{
    if (ns >= UINT64_C(1) << HISTOGRAM_MAX_BITS) {
        ns = (UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1;
    }
    if (ns < UINT64_C(2) << HISTOGRAM_SUB_BITS) {
        return (unsigned)ns;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(ns >> shift);
}

static uint64_t bucket_upper_ns(unsigned bucket)
{
    if (bucket < 2U << HISTOGRAM_SUB_BITS) {
        return bucket;
    }
    unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1U;
    uint64_t mantissa = bucket - (shift << HISTOGRAM_SUB_BITS);
    return ((mantissa + 1U) << shift) - 1U;
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->buckets[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max_ns) {
        histogram->max_ns = ns;
    }
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)((double)histogram->count * share);
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) {
            uint64_t upper_ns = bucket_upper_ns(i);
            return upper_ns < histogram->max_ns ? upper_ns : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
