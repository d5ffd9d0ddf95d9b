#include "common/escape.h"

#include <stdbool.h>

static bool is_plain(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f && byte != '"' && byte != '=' && byte != '\\';
}

static bool is_plain_in_words(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '\\';
}

static size_t escape(struct slice text, bool (*is_kept)(unsigned char byte), char *out,
                     size_t out_size)
{
    static const char hex_digits[] = "0123456789abcdef";
    static const char cut_mark[] = "...";
    size_t length = 0, cut_length = 0; /* cut_length: where the cut mark still fits */

    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        size_t needed = is_kept(byte) ? 1 : 4;
        if (length + needed >= out_size) {
            memcpy(out + cut_length, cut_mark, sizeof(cut_mark));
            return cut_length + sizeof(cut_mark) - 1;
        }
        if (needed == 1) {
            out[length] = (char)byte;
        } else {
            const char escaped[4] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
            memcpy(out + length, escaped, sizeof(escaped));
        }
        length += needed;
        if (length + sizeof(cut_mark) <= out_size)
            cut_length = length;
    }
    out[length] = '\0';
    return length;
}

size_t escape_text(struct slice text, char *out, size_t out_size)
{
    return escape(text.length ? text : SLICE_LITERAL("-"), is_plain, out, out_size);
}

size_t escape_words(struct slice text, char *out, size_t out_size)
{
    return escape(text, is_plain_in_words, out, out_size);
}
