/*
 * json_duplicates - finds every key that an object of a JSON text has twice. A parser takes the
 * last one silently, or stops at the first.
 */
#ifndef POSTVALVE_COMMON_JSON_DUPLICATES_H
#define POSTVALVE_COMMON_JSON_DUPLICATES_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX      32  /* objects and lists in one another */
#define JSON_PATH_TEXT_SIZE 128 /* of the path of a key, escaped and cut */

struct json_duplicate {
    const char *path; /* of the key: "policyd.listen[1].x"; valid during the call */
    unsigned line;    /* of the repetition, from 1 */
};

/* Calls found() for every repetition, in the order of the text, which a JSON parser has to have
 * accepted before. False: deeper than JSON_DEPTH_MAX, and the rest was not looked at. */
bool json_duplicates_find(struct slice text,
                          void (*found)(const struct json_duplicate *duplicate, void *context),
                          void *context);

#endif
