/*
 * macro_start - with what the expansions of a template can begin, found out without a request:
 * every way through its conditions is followed. Pure; for the check of templates at load.
 *
 * Conditions on the same name, and comparisons of the same texts, go the same way in one
 * expansion. A comparison whose operands are known is decided; of others both ways are taken.
 */
#ifndef POSTVALVE_COMMON_MACRO_START_H
#define POSTVALVE_COMMON_MACRO_START_H

#include "common/macro.h"

#include <stdbool.h>
#include <stddef.h>

/* How much of a value is known beforehand. */
enum macro_knowledge {
    MACRO_EXACT,     /* the value */
    MACRO_NOT_EMPTY, /* an example; never empty */
    MACRO_ANY,       /* an example; may also be empty */
};
typedef enum macro_knowledge macro_know(const void *context, unsigned id,
                                        struct slice *value_r);

#define MACRO_START_MAX 8 /* bytes */

/* Gets each different way's start, shorter than asked for where the text ends. False ends. */
typedef bool macro_start_visit(void *context, struct slice start);

/* Visits with the first length bytes (at most MACRO_START_MAX). False when visit returned
 * false, or when there are more ways than can be followed. */
bool macro_start_each(const struct macro *macro, size_t length, macro_know *know,
                      const void *know_context, macro_start_visit *visit, void *visit_context);

#endif
