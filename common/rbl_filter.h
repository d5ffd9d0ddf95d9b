/*
 * rbl_filter - which answers of a DNS list a check is about: "127.0.0.[10..11]",
 * "127.0.0.[2;4..8]", the address patterns of reject_rbl_client in postconf(5); in braces
 * several, separated by space or comma: "{127.0.0.2 127.0.1.[4..6]}".
 *
 * Plain data that may be copied; nothing is allocated.
 */
#ifndef POSTVALVE_COMMON_RBL_FILTER_H
#define POSTVALVE_COMMON_RBL_FILTER_H

#include "common/error.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RBL_FILTER_PATTERNS_MAX 8

struct rbl_pattern {
    uint8_t octets[4][32]; /* a bit for each value of the octet */
};

/* All zero: no filter, every address matches. */
struct rbl_filter {
    size_t count;
    struct rbl_pattern patterns[RBL_FILTER_PATTERNS_MAX];
};

/* filter_r is written only on success. The error says what is expected, and where. */
bool rbl_filter_parse(struct slice text, struct rbl_filter *filter_r, struct error *error);
/* address: host byte order, 127.0.0.2 is 0x7f000002. */
bool rbl_filter_matches(const struct rbl_filter *filter, uint32_t address);
/* Whether it matches an address that counts as listed (rbl_answer.h) at all. */
bool rbl_filter_can_match(const struct rbl_filter *filter);

#endif
