/*
 * rbl_answer - what an answer of a DNS list means, and its compact form for the cache.
 *
 * Only addresses in 127/8 count as listed (RFC 5782 section 2.1), but 127.0.0.1, which many
 * resolvers make of a name that does not exist, and 127.255.255.0/24, in which lists say that
 * they refuse to serve us. An address of the latter kind, or one outside of 127/8, makes the
 * whole answer unusable: whoever gave it is not telling us about the client.
 *
 * Plain data; nothing is allocated. All zero: not answered yet.
 */
#ifndef POSTVALVE_COMMON_RBL_ANSWER_H
#define POSTVALVE_COMMON_RBL_ANSWER_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rbl_answer_state {
    RBL_PENDING,
    RBL_UNKNOWN,    /* no answer, or none that can be used */
    RBL_NOT_LISTED, /* the name does not exist, or has nothing that counts */
    RBL_LISTED,
};

/* What an address that does not count says instead. */
enum rbl_special {
    RBL_SPECIAL_NONE,
    RBL_SPECIAL_LOOPBACK,      /* 127.0.0.1 */
    RBL_SPECIAL_TYPO,          /* 127.255.255.252: no list of this name */
    RBL_SPECIAL_OPEN_RESOLVER, /* 127.255.255.254: query by a public resolver */
    RBL_SPECIAL_QUOTA,         /* 127.255.255.255: too many queries */
    RBL_SPECIAL_REFUSED,       /* another one in 127.255.255.0/24 */
    RBL_SPECIAL_OUTSIDE,       /* not in 127/8 */
    RBL_SPECIAL_COUNT
};

/* Why there is no answer. */
enum rbl_failure {
    RBL_FAILURE_NONE,
    RBL_FAILURE_TIMEOUT,
    RBL_FAILURE_ERROR,   /* SERVFAIL, REFUSED, malformed, no resolver */
    RBL_FAILURE_SKIPPED, /* not asked: the list is switched off, or there is nothing to ask */
};

#define RBL_CODES_MAX 16

struct rbl_answer {
    uint8_t state;            /* enum rbl_answer_state */
    uint8_t special;          /* enum rbl_special */
    uint8_t failure;          /* enum rbl_failure: RBL_UNKNOWN without a special address */
    uint8_t code_count;       /* RBL_LISTED: 1 or more */
    uint32_t special_address; /* host byte order, as all addresses here */
    uint32_t codes[RBL_CODES_MAX];
};

/* From the A records of a successful DNS reply, in their order; more than RBL_CODES_MAX that
 * count are left out. Count 0 is a name that does not exist, or has no A record. */
struct rbl_answer rbl_answer_from_addresses(const uint32_t *addresses, size_t count);
struct rbl_answer rbl_answer_failed(enum rbl_failure failure);

bool rbl_address_counts(uint32_t address);
enum rbl_special rbl_address_special(uint32_t address);
/* What the list is telling us, for an event: "our queries come by a public resolver, ...". */
const char *rbl_special_text(enum rbl_special special);
const char *rbl_failure_name(enum rbl_failure failure);

struct rbl_lifetimes { /* seconds */
    int64_t minimum;
    int64_t maximum;
    int64_t negative_maximum;
};
/* How long an answer may be used. ttl_s: of the records; of the SOA (RFC 2308) when there are
 * none. 0: not at all. */
int64_t rbl_answer_lifetime_s(const struct rbl_answer *answer, int64_t ttl_s,
                              const struct rbl_lifetimes *lifetimes);

#define RBL_TEXT_MAX        500 /* bytes of TXT records, as in Postfix */
#define RBL_ANSWER_TEXT_MAX (RBL_CODES_MAX * 16 + 1 + RBL_TEXT_MAX)

/* Adds a TXT record, its strings joined, to what came of the earlier ones; returns the new
 * length. As Postfix: " / " between records while there is room for it, cut at RBL_TEXT_MAX,
 * every byte that is not printable ASCII a space. */
size_t rbl_text_append(char text[static RBL_TEXT_MAX], size_t length, bool is_first,
                       struct slice record);

/* The form in the cache: "-" not listed, "127.0.0.2,127.0.0.4" listed, "!127.255.255.254"
 * unusable; for a listed name a space and the text follow where the TXT record was asked for
 * (text NULL: it was not). Not for RBL_PENDING and failures: length 0. Not terminated. */
size_t rbl_answer_format(const struct rbl_answer *answer, const struct slice *text,
                         char out[static RBL_ANSWER_TEXT_MAX]);
/* False for anything that rbl_answer_format() does not write. text_r points into value;
 * has_text_r: it was asked for. */
bool rbl_answer_parse(struct slice value, struct rbl_answer *answer_r, struct slice *text_r,
                      bool *has_text_r);

#endif
