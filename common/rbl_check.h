/*
 * rbl_check - one check of a DNS list, written as in Postfix's restriction lists:
 * "reject_rbl_client zen.example=127.0.0.[10..11]", and with a weight at its end as in
 * postscreen_dnsbl_sites: "reject_rbl_client zen.example*2".
 *
 * Plain data; nothing is allocated.
 */
#ifndef POSTVALVE_COMMON_RBL_CHECK_H
#define POSTVALVE_COMMON_RBL_CHECK_H

#include "common/error.h"
#include "common/rbl_filter.h"
#include "common/rbl_session.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define RBL_ZONE_MAX     180 /* bytes: with 32 nibbles in front it is still a domain name */
#define RBL_ARGUMENT_MAX 512
#define RBL_WEIGHT_MAX   1000

struct rbl_restriction {
    const char *name; /* of the restriction in postconf(5) */
    enum rbl_subject subject;
    bool is_permit; /* an allow list */
};

struct rbl_check {
    const struct rbl_restriction *restriction;
    char argument[RBL_ARGUMENT_MAX + 1]; /* "domain=filter" or "domain", as given */
    size_t domain_length;                /* bytes of it that are the domain */
    char zone[RBL_ZONE_MAX + 1];         /* the domain in lower case */
    struct rbl_filter filter;
    bool has_weight;
    int weight;   /* 1 where none is given; negative: speaks for the client */
    size_t query; /* index in the plan, which sets it */
};

/* check_r is written only on success. */
bool rbl_check_parse(struct slice text, struct rbl_check *check_r, struct error *error);

/* Postfix's $rbl_domain. */
struct slice rbl_check_domain(const struct rbl_check *check);
/* As the action of a policy reply: "reject_rbl_client zen.example=127.0.0.[10..11]". Cut to
 * size; returns the length. */
size_t rbl_check_format_action(const struct rbl_check *check, char *out, size_t out_size);

#endif
