/*
 * error - the reason why something failed, as one line for an administrator.
 *
 * A fallible function returns bool and fills the caller's struct error; whoever decides what to
 * do about it logs it, once. The text names file, key or socket and the remedy.
 */
#ifndef POSTVALVE_COMMON_ERROR_H
#define POSTVALVE_COMMON_ERROR_H

#include <stdbool.h>

struct error {
    char text[512]; /* empty: no error */
};

/* Sets the text, cut to size. Always returns false, so that a caller can `return
 * error_set(...)`. */
bool error_set(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
