/*
 * endpoint - where to listen or connect: "unix:/path", "inet:host:port", "inet:[::1]:port", the
 * notation of Postfix's own client settings.
 *
 * An endpoint owns its strings. Nothing is resolved here: the host may be a name.
 */
#ifndef POSTVALVE_COMMON_ENDPOINT_H
#define POSTVALVE_COMMON_ENDPOINT_H

#include "common/config.h"
#include "common/error.h"
#include "common/slice.h"

#include <stdbool.h>

#define ENDPOINT_PATH_MAX 107 /* bytes in sun_path of unix(7), without the terminating zero */
#define ENDPOINT_HOST_MAX 253 /* octets of a domain name as text */

/* What endpoint_parse() takes, for messages and the manual page. */
#define ENDPOINT_ALLOWED "\"unix:/PATH\", \"inet:HOST:PORT\" or \"inet:[IPV6]:PORT\""

/* endpoint_r is written only on success; endpoint_release() frees it. The error says what is
 * wrong with the text, not where it stood. */
bool endpoint_parse(struct slice text, struct endpoint *endpoint_r, struct error *error);
/* Frees the strings and leaves ENDPOINT_NONE. */
void endpoint_release(struct endpoint *endpoint);
bool endpoint_equals(const struct endpoint *a, const struct endpoint *b);

#endif
