/*
 * netstring - "5:hello,": length in decimal, colon, bytes, comma. Pure.
 */
#ifndef POSTVALVE_COMMON_NETSTRING_H
#define POSTVALVE_COMMON_NETSTRING_H

#include "common/buffer.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum netstring_parse { NETSTRING_DONE, NETSTRING_MORE, NETSTRING_INVALID };

/* Parses the netstring at the start of data, which may go on behind it. maximum: bytes that it
 * may hold; more is NETSTRING_INVALID as soon as the length says so. DONE: content_r points
 * into data, taken_r is what the whole took. After INVALID there is no way to find the next
 * one: close the connection. */
enum netstring_parse netstring_parse(const char *data, size_t length, size_t maximum,
                                     struct slice *content_r, size_t *taken_r);

/* Appends the pieces as one netstring; false, and nothing appended, when it does not fit. */
bool netstring_append(struct buffer *buffer, const struct slice *pieces, size_t count);

#endif
