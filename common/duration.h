/*
 * duration - times as an administrator types and reads them: 30s, 10m, 2h, 1d. Pure.
 */
#ifndef POSTVALVE_COMMON_DURATION_H
#define POSTVALVE_COMMON_DURATION_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define DURATION_TEXT_SIZE 32

/* A whole number and its unit, s, m, h or d; 1 to maximum_s seconds. */
bool duration_parse(struct slice text, int64_t maximum_s, int64_t *seconds_r);
/* In the two largest units that are not zero: "9m58s", "2h", "3d4h"; "0s" for nothing. */
void duration_format(int64_t seconds, char out[static DURATION_TEXT_SIZE]);

#endif
