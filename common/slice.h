/*
 * slice - text as pointer and length, not terminated; it belongs to whoever owns the buffer.
 */
#ifndef POSTVALVE_COMMON_SLICE_H
#define POSTVALVE_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *data; /* may be NULL where length is 0 */
    size_t length;
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice_from_string(const char *string)
{
    return (struct slice){string, string ? strlen(string) : 0};
}

static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool slice_equals_ignoring_case(struct slice a, struct slice b)
{
    return a.length == b.length &&
           (a.length == 0 || strncasecmp(a.data, b.data, a.length) == 0);
}

/* Copies as a terminated string, cut to size; false when it was cut. */
static inline bool slice_copy_string(struct slice slice, char *out, size_t out_size)
{
    size_t length = slice.length < out_size ? slice.length : out_size - 1;
    if (length)
        memcpy(out, slice.data, length);
    out[length] = '\0';
    return length == slice.length;
}

#endif
