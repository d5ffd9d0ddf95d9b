/*
 * redis_reply - a reply of Redis, without its library's types.
 */
#ifndef POSTVALVE_REDIS_REDIS_REPLY_H
#define POSTVALVE_REDIS_REDIS_REPLY_H

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

enum redis_reply_type {
    REDIS_REPLY_IS_NIL,
    REDIS_REPLY_IS_TEXT, /* string or status */
    REDIS_REPLY_IS_INTEGER,
    REDIS_REPLY_IS_ERROR,
    REDIS_REPLY_IS_LIST,
};

struct redis_reply;

enum redis_reply_type redis_reply_type(const struct redis_reply *reply);
/* Text or error; empty for other types. Terminated, but may hold zeros. */
struct slice redis_reply_text(const struct redis_reply *reply);
int64_t redis_reply_integer(const struct redis_reply *reply);
/* Items of a list; 0 for other types. */
size_t redis_reply_count(const struct redis_reply *reply);
/* NULL beyond the end. */
const struct redis_reply *redis_reply_item(const struct redis_reply *reply, size_t index);
void redis_reply_free(struct redis_reply *reply);

#endif
