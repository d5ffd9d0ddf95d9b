/*
 * utf8 - what is well-formed UTF-8 (RFC 3629), one character at a time.
 */
#ifndef POSTVALVE_COMMON_UTF8_H
#define POSTVALVE_COMMON_UTF8_H

#include "common/slice.h"

#include <stdbool.h>

/* Bytes of the character at the start of text: 1 for ASCII, 2 to 4; 0 when it is malformed,
 * overlong, a surrogate, cut, or text is empty. */
size_t utf8_character_length(struct slice text);
bool utf8_is_valid(struct slice text);

#endif
