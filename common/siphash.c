#include "common/siphash.h"

#include <endian.h>
#include <string.h>

#define ROTATE_LEFT(word, bits) (((word) << (bits)) | ((word) >> (64 - (bits))))

/* Little-endian whatever the machine, so that a hash that is stored means the same everywhere.
 */
static uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

static uint64_t load_rest(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static void mix(uint64_t v[static 4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = ROTATE_LEFT(v[1], 13) ^ v[0];
        v[3] = ROTATE_LEFT(v[3], 16) ^ v[2];
        v[0] = ROTATE_LEFT(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = ROTATE_LEFT(v[1], 17) ^ v[2];
        v[3] = ROTATE_LEFT(v[3], 21) ^ v[0];
        v[2] = ROTATE_LEFT(v[2], 32);
    }
}

static void take_word(uint64_t v[static 4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_SIZE], const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint64_t low = load_word(key), high = load_word(key + 8);
    /* "somepseudorandomlygeneratedbytes" */
    uint64_t v[4] = {low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d,
                     low ^ 0x6c7967656e657261, high ^ 0x7465646279746573};

    for (size_t left = length; left >= 8; left -= 8, bytes += 8)
        take_word(v, load_word(bytes));
    take_word(v, load_rest(bytes, length % 8) | (uint64_t)length << 56);
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
