/*
 * random - the load generator's own numbers: the same seed gives the same choices everywhere.
 *
 * Each actor owns one state, so that what one draws does not depend on the others' timing.
 * (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.)
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_RANDOM_H
#define POSTVALVE_T_BENCH_FLOOD_RANDOM_H

#include <math.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 <= x < 1 */
static inline double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1.0p-53;
}

/* Around a value: between 0.8 and 1.2 of it. */
static inline double random_jitter(uint64_t *state, double value)
{
    return value * (0.8 + 0.4 * random_unit(state));
}

/* Time to the next event of a Poisson process of this rate. */
static inline double random_exponential(uint64_t *state, double rate)
{
    return -log(1.0 - random_unit(state)) / rate;
}

#endif
