/*
 * escape - untrusted text made safe for a log line, a terminal and an SMTP reply, in one place.
 */
#ifndef POSTVALVE_COMMON_ESCAPE_H
#define POSTVALVE_COMMON_ESCAPE_H

#include "common/slice.h"

#include <stddef.h>

/* Writes text as one key=value value: printable ASCII but space, '"', '=' and '\' as it is,
 * every other byte as \xHH; empty text as "-". Cut at the last whole escape that fits, with
 * "..." as the end. Terminated; returns the length. out_size >= 8. */
size_t escape_text(struct slice text, char *out, size_t out_size);
/* The same for text at the end of a line, where a reader needs no marks: spaces, '"' and '='
 * stay as they are, and empty text is empty. */
size_t escape_words(struct slice text, char *out, size_t out_size);

#endif
