/*
 * postfix_verify_entry - what verify(8) stores in address_verify_map for an address:
 * "STATUS:PROBED:UPDATED:TEXT". Pure.
 */
#ifndef POSTVALVE_COMMON_POSTFIX_VERIFY_ENTRY_H
#define POSTVALVE_COMMON_POSTFIX_VERIFY_ENTRY_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum postfix_verify_status { /* the numbers are Postfix's */
                             POSTFIX_VERIFY_DELIVERABLE = 0,
                             POSTFIX_VERIFY_DEFERRED = 1,
                             POSTFIX_VERIFY_UNDELIVERABLE = 2,
                             POSTFIX_VERIFY_PROBING = 3 /* nothing is known yet */
};

struct postfix_verify_entry {
    enum postfix_verify_status status;
    int64_t probed_s;  /* Unix time when the probe that is on its way was sent; 0: none is */
    int64_t updated_s; /* Unix time of the last result; 0: none yet */
    struct slice text; /* of the next hop, or why not; points into the value */
};

/* False: not an entry of verify(8), as it reads them itself. */
bool postfix_verify_entry_parse(struct slice value, struct postfix_verify_entry *entry_r);
/* Whether writing this entry tells something new: the result of a probe, and not just that one
 * was sent. */
bool postfix_verify_entry_is_result(const struct postfix_verify_entry *entry);
/* Whether a key is that under which Postfix writes down when it last cleaned a cache up: that
 * is each host's own affair, which no other host should hear of. */
bool postfix_cache_key_is_cleanup(struct slice key);
/* The address in a key of the map, which begins with what its key_format puts before "%s".
 * verify(8) writes colons in addresses as '_': what is before the last one is no address.
 * False: there is none, or it holds a '_' and may have been another one. */
bool postfix_verify_key_address(struct slice key, struct slice *address_r);

#endif
