/*
 * counters - what the daemon has done since it started; one struct, counted in the loop thread.
 */
#ifndef POSTVALVE_POLICYD_COUNTERS_H
#define POSTVALVE_POLICYD_COUNTERS_H

#include <stdint.h>

struct counters {
    uint64_t connections;        /* accepted */
    uint64_t made_room;          /* closed because max_connections was reached */
    uint64_t timed_out;          /* idle too long, or a request that did not end */
    uint64_t invalid;            /* closed without an answer: not a request */
    uint64_t socketmap_requests; /* answered */
    uint64_t requests;           /* answered */
    uint64_t hang_ups;           /* answered with 421 or 521 */
    uint64_t rejects;            /* answered with another code, or a restriction of Postfix */
    uint64_t observed_hang_ups;  /* would have been */
};

#endif
