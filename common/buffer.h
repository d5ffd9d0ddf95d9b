/*
 * buffer - bytes that grow up to a maximum. The owner frees it; a zeroed one with a maximum is
 * empty and holds no memory.
 */
#ifndef POSTVALVE_COMMON_BUFFER_H
#define POSTVALVE_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t length;  /* bytes in use */
    size_t size;    /* bytes allocated */
    size_t maximum; /* length never exceeds it */
};

#define BUFFER_WITH_MAXIMUM(bytes) ((struct buffer){.maximum = (bytes)})

/* False, and nothing appended, when it would exceed the maximum. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* Drops the first length bytes; length <= buffer->length. */
void buffer_consume(struct buffer *buffer, size_t length);
/* Releases the memory; the buffer is empty and may be used again. */
void buffer_free(struct buffer *buffer);

#endif
