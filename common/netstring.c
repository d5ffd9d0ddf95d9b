#include "common/netstring.h"

#include <stdio.h>

#define DIGITS_MAX 10

enum netstring_parse netstring_parse(const char *data, size_t length, size_t maximum,
                                     struct slice *content_r, size_t *taken_r)
{
    size_t size = 0, i = 0;
    for (; i < length && data[i] >= '0' && data[i] <= '9'; i++) {
        bool has_leading_zero = i == 1 && data[0] == '0';
        if (has_leading_zero || i == DIGITS_MAX)
            return NETSTRING_INVALID;
        size = 10 * size + (size_t)(data[i] - '0');
        if (size > maximum)
            return NETSTRING_INVALID;
    }
    if (i == length)
        return NETSTRING_MORE;
    if (i == 0 || data[i] != ':')
        return NETSTRING_INVALID;
    i++;
    if (length - i <= size)
        return NETSTRING_MORE;
    if (data[i + size] != ',')
        return NETSTRING_INVALID;
    *content_r = (struct slice){data + i, size};
    *taken_r = i + size + 1;
    return NETSTRING_DONE;
}

bool netstring_append(struct buffer *buffer, const struct slice *pieces, size_t count)
{
    char head[32];
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].length;
    int head_length = snprintf(head, sizeof(head), "%zu:", size);
    if (size > buffer->maximum ||
        (size_t)head_length + size + 1 > buffer->maximum - buffer->length)
        return false;
    buffer_append(buffer, head, (size_t)head_length);
    for (size_t i = 0; i < count; i++)
        buffer_append(buffer, pieces[i].data, pieces[i].length);
    return buffer_append(buffer, ",", 1);
}
