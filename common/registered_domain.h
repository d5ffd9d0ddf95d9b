/*
 * registered_domain - the part of a host name that somebody registered: "example.org" of
 * "mx3.mail.example.org", "example.co.uk" of "mx.example.co.uk".
 *
 * By the Public Suffix List that libpsl was built with. Only names that were verified (they
 * resolve to the address that resolves to them) say who a client is; that is for the caller to
 * know. Pure; a cache belongs to one thread.
 */
#ifndef POSTVALVE_COMMON_REGISTERED_DOMAIN_H
#define POSTVALVE_COMMON_REGISTERED_DOMAIN_H

#include "common/siphash.h"
#include "common/slice.h"

#include <stdint.h>

/* A part of name, without a dot at the end. Empty: name is no host name, or a public suffix. */
struct slice registered_domain_find(struct slice name);

/* The list takes a microsecond a name; the same few senders fill most of the day. */
#define REGISTERED_DOMAIN_CACHE_SIZE 2048
struct registered_domain_cache {
    uint8_t seed[SIPHASH_KEY_SIZE]; /* random bytes: names come from clients */
    struct registered_domain_cached {
        uint64_t hash; /* of the name; 0: none */
        uint8_t offset, length;
    } names[REGISTERED_DOMAIN_CACHE_SIZE];
};
/* As registered_domain_find(). Start value: all zero but the seed. */
struct slice registered_domain_find_cached(struct registered_domain_cache *cache,
                                           struct slice name);

#endif
