#include "common/utf8.h"

#include <stddef.h>
#include <stdint.h>

/* RFC 3629 section 4: first byte, bytes that follow, range of the first of them. */
static const struct {
    uint8_t first, last;
    uint8_t following;
    uint8_t second_first, second_last;
} leads[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

size_t utf8_character_length(struct slice text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t row = 0;
    if (text.length == 0)
        return 0;
    while (row < sizeof(leads) / sizeof(leads[0]) &&
           (bytes[0] < leads[row].first || bytes[0] > leads[row].last))
        row++;
    if (row == sizeof(leads) / sizeof(leads[0]) || text.length <= leads[row].following)
        return 0;
    for (size_t i = 1; i <= leads[row].following; i++) {
        uint8_t first = i == 1 ? leads[row].second_first : 0x80;
        uint8_t last = i == 1 ? leads[row].second_last : 0xbf;
        if (bytes[i] < first || bytes[i] > last)
            return 0;
    }
    return (size_t)leads[row].following + 1;
}

bool utf8_is_valid(struct slice text)
{
    while (text.length > 0) {
        size_t length = utf8_character_length(text);
        if (length == 0)
            return false;
        text = (struct slice){text.data + length, text.length - length};
    }
    return true;
}
