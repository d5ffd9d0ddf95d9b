/*
 * number - decimal numbers in text from outside: whole text or nothing, within bounds.
 */
#ifndef POSTVALVE_COMMON_NUMBER_H
#define POSTVALVE_COMMON_NUMBER_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Digits alone, at most maximum. False: number_r is untouched. */
bool number_parse(struct slice text, int64_t maximum, int64_t *number_r);
/* A number with or without fraction, 0 to maximum; "1e3", "nan", "0x1" are none. */
bool number_parse_fraction(struct slice text, double maximum, double *number_r);

#endif
