/*
 * rbl_words - what the hosts say of a DNS list in Redis (rbl_health_describe(), and "updated"),
 * for those who make no tests themselves. Pure.
 */
#ifndef POSTVALVE_COMMON_RBL_WORDS_H
#define POSTVALVE_COMMON_RBL_WORDS_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Start value: all zero. */
struct rbl_words {
    unsigned said, off; /* how many hosts said something lately; that the list is off */
    bool is_said_here, is_off_here; /* by the daemon of this host */
};

/* One host's word; what is older than a minute, or none at all, is left out. is_here: of the
 * daemon of this host. now_s: Unix time. */
void rbl_words_add(struct rbl_words *words, struct slice word, bool is_here, int64_t now_s);
/* The daemon of this host decides, where there is none most of the others. */
bool rbl_words_say_off(const struct rbl_words *words);

#endif
