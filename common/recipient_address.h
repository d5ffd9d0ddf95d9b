/*
 * recipient_address - an envelope address in the one form that it is remembered in, and the
 * hash that stands for it in keys. Pure.
 *
 * The hash is keyed with a secret of the site: who reads Redis, or a copy of it, learns no
 * addresses and cannot try likely ones, and nobody can prepare two addresses with the same
 * hash. Two SipHash-2-4 under independent keys: a keyed pseudorandom function is what is needed
 * here, not a hash without a key, and 128 bits keep 100 million addresses apart.
 */
#ifndef POSTVALVE_COMMON_RECIPIENT_ADDRESS_H
#define POSTVALVE_COMMON_RECIPIENT_ADDRESS_H

#include "common/siphash.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Whose status it is: addresses that mail is sent to, or that mail comes from. */
enum address_kind { ADDRESS_RECIPIENT, ADDRESS_SENDER, ADDRESS_KIND_COUNT };

#define RECIPIENT_ADDRESS_MAX    2048 /* bytes; longer ones are not remembered */
#define RECIPIENT_HASH_SIZE      16
#define RECIPIENT_HASH_TEXT      33 /* hex, with the terminating zero */
#define RECIPIENT_HASH_BYTES_MAX 4096
#define RECIPIENT_SITE_KEY_MIN   20 /* bytes of text that a site key is made of, at least */

struct recipient_site_key {
    uint8_t bytes[2 * SIPHASH_KEY_SIZE];
};

struct recipient_address_settings {
    const char
        *delimiters; /* that begin an extension: Postfix's recipient_delimiter; "": none */
    bool is_local_part_folded; /* "Bob" is "bob" */
};

struct recipient_address {
    size_t local_length; /* of text, before the last '@'; all of it where there is none */
    size_t length;
    char text[RECIPIENT_ADDRESS_MAX + 1]; /* may hold any byte but zero; terminated */
};

struct recipient_hash {
    uint8_t bytes[RECIPIENT_HASH_SIZE];
};

/* internal: the address without <> and quotes, as in a policy request. ASCII letters of the
 * domain (and of the local part, as set) are folded, the extension is cut off as Postfix would,
 * and a dot at the end of the domain. False: empty, too long, or it holds a zero byte. */
bool recipient_address_set(struct recipient_address *address_r, struct slice internal,
                           const struct recipient_address_settings *settings);
/* The same from an argument of MAIL or RCPT: in <>, perhaps with a quoted local part or a
 * source route. */
bool recipient_address_parse(struct recipient_address *address_r, struct slice argument,
                             const struct recipient_address_settings *settings);

/* "" where there is none. */
struct slice recipient_address_domain(const struct recipient_address *address);
/* postmaster and abuse, in any domain: those that have to be reachable (RFC 5321 section
 * 4.5.1, RFC 2142). */
bool recipient_address_is_role(const struct recipient_address *address);

/* text: what the administrator keeps secret, RECIPIENT_SITE_KEY_MIN bytes or more. */
void recipient_site_key_derive(struct recipient_site_key *key_r, struct slice text);
void recipient_hash_get(struct recipient_hash *hash_r, const struct recipient_site_key *key,
                        enum address_kind kind, const struct recipient_address *address);
/* The same of other bytes, RECIPIENT_HASH_BYTES_MAX at most; kind: a letter for what they are.
 */
void recipient_hash_bytes(struct recipient_hash *hash_r, const struct recipient_site_key *key,
                          char kind, struct slice bytes);
void recipient_hash_format(const struct recipient_hash *hash,
                           char out[static RECIPIENT_HASH_TEXT]);

#endif
