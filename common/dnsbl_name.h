/*
 * dnsbl_name - names to ask a DNS list for: RFC 5782 sections 2.1, 2.4 and 3, and the same
 * cases left out as by smtpd(8): what is not a host name, what ends in a number.
 *
 * Names are in lower case and without the final dot.
 */
#ifndef POSTVALVE_COMMON_DNSBL_NAME_H
#define POSTVALVE_COMMON_DNSBL_NAME_H

#include "common/address.h"
#include "common/slice.h"

#include <stdbool.h>

#define DNSBL_NAME_MAX  253 /* characters of a domain name, RFC 1035 section 3.1 as text */
#define DNSBL_NAME_SIZE (DNSBL_NAME_MAX + 1)

/* "2.0.0.127.zone", or 32 nibbles for IPv6. False, and an empty name: no address, or the name
 * would be too long. */
bool dnsbl_name_from_address(const struct address *address, struct slice zone,
                             char out[static DNSBL_NAME_SIZE]);
/* The nibbles of any IPv6 address; ::ffff:127.0.0.2 stays one here, because lists have their
 * test points there. */
bool dnsbl_name_from_ipv6(const uint8_t bytes[static 16], struct slice zone,
                          char out[static DNSBL_NAME_SIZE]);
/* "example.org.zone" for a host name, or for a mail address what follows its last "@". False,
 * and an empty name: nothing to ask for. */
bool dnsbl_name_from_domain(struct slice domain, struct slice zone,
                            char out[static DNSBL_NAME_SIZE]);

/* Whether it is a host name as Postfix understands it: labels of letters, digits, "_" and, not
 * at their ends, "-"; not digits only. */
bool dnsbl_is_hostname(struct slice name);

#endif
