#include "common/buffer.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 256

bool buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (length > buffer->maximum - buffer->length)
        return false;
    if (length == 0)
        return true;
    size_t needed = buffer->length + length;
    if (needed > buffer->size) {
        size_t size = buffer->size ? buffer->size : SIZE_FIRST;
        while (size < needed)
            size *= 2;
        if (size > buffer->maximum)
            size = buffer->maximum;
        buffer->data = memory_resize(buffer->data, size, 1);
        buffer->size = size;
    }
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length = needed;
    return true;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    buffer->length -= length;
    if (buffer->length > 0 && length > 0)
        memmove(buffer->data, buffer->data + length, buffer->length);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_WITH_MAXIMUM(buffer->maximum);
}
