/*
 * address - client addresses, networks and client keys.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is the IPv4 address: a client is one client,
 * whichever socket it came in by.
 */
#ifndef POSTVALVE_COMMON_ADDRESS_H
#define POSTVALVE_COMMON_ADDRESS_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum address_family {
    ADDRESS_NONE = 0, /* not known: no client key, never hung up on */
    ADDRESS_IPV4 = 4,
    ADDRESS_IPV6 = 6,
};

struct address {
    uint8_t family;    /* enum address_family */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct network {
    struct address address; /* host bits are zero */
    uint8_t prefix_length;  /* 0-32, 0-128 */
};

/* What history is kept under: the IPv4 address or the IPv6 /64, so that a client with a whole
 * /64 is one client; the network that they lie in; the registered domain of a client's name. */
enum client_key_kind {
    CLIENT_KEY_NONE = 0,
    CLIENT_KEY_DOMAIN = 1,
    CLIENT_KEY_IPV4 = 4,
    CLIENT_KEY_IPV6 = 6,
    CLIENT_KEY_IPV4_NETWORK = 24, /* /24 */
    CLIENT_KEY_IPV6_NETWORK = 48, /* /48 */
};

#define CLIENT_KEY_DOMAIN_MAX 62 /* bytes; longer ones have no history */

struct client_key {
    uint8_t kind; /* enum client_key_kind */
    uint8_t length;
    /* Leading bytes of the address, or the domain in lower case. Those beyond length mean
     * nothing. */
    uint8_t bytes[CLIENT_KEY_DOMAIN_MAX];
};

#define ADDRESS_TEXT_SIZE    46                          /* with the terminating zero */
#define CLIENT_KEY_TEXT_SIZE (CLIENT_KEY_DOMAIN_MAX + 1) /* more than "2001:db8:1:2::/64" */

/* Textual form as in policy attributes (RFC 4291); also "IPv6:..." as in SMTP address literals
 * (RFC 5321 section 4.1.3). False, and ADDRESS_NONE, for anything else ("unknown"). */
bool address_parse(struct slice text, struct address *address_r);
/* AF_INET and AF_INET6; anything else, and NULL, is ADDRESS_NONE. */
struct address address_from_sockaddr(const struct sockaddr *socket_address);
void address_format(const struct address *address, char out[static ADDRESS_TEXT_SIZE]);
bool address_equals(const struct address *a, const struct address *b);

/* "192.0.2.0/24", "2001:db8::/32", "[2001:db8::]/32" as in mynetworks, or a plain address.
 * Host bits that are not zero are an error, as for Postfix: false. */
bool network_parse(struct slice text, struct network *network_r);
bool network_contains(const struct network *network, const struct address *address);

struct client_key client_key_from_address(const struct address *address);
/* The IPv4 /24 or the IPv6 /48. */
struct client_key client_key_from_network(const struct address *address);
/* Letters, digits, '-', '_' and '.' only: CLIENT_KEY_NONE for anything else and for "". */
struct client_key client_key_from_domain(struct slice domain);
/* "192.0.2.1", "2001:db8:1:2::/64", "192.0.2.0/24", "2001:db8:1::/48", "example.org": the form
 * used in Redis keys, logs and commands. */
void client_key_format(const struct client_key *key, char out[static CLIENT_KEY_TEXT_SIZE]);
/* The reverse; an address or domain that is no key by itself gives the key of its client. */
bool client_key_parse(struct slice text, struct client_key *key_r);
bool client_key_equals(const struct client_key *a, const struct client_key *b);
/* The key as bytes that no other key has. */
struct slice client_key_bytes(const struct client_key *key);

#endif
