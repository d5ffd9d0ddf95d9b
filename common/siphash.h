/*
 * siphash - SipHash-2-4 (Aumasson, Bernstein 2012): a short keyed hash for tables whose keys an
 * attacker chooses. With a secret random key collisions cannot be prepared.
 */
#ifndef POSTVALVE_COMMON_SIPHASH_H
#define POSTVALVE_COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_SIZE], const void *data, size_t length);

#endif
