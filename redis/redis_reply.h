/*
 * redis_reply - a reply of Redis, as this program sees it.
 *
 * A list is followed in memory by its items, each with all that is inside it. A reply belongs
 * to its connection and is gone with the next one.
 */
#ifndef POSTVALVE_REDIS_REDIS_REPLY_H
#define POSTVALVE_REDIS_REDIS_REPLY_H

#include "common/client_class.h"
#include "common/client_record.h"
#include "common/redis_command.h"
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

struct redis_reply {
    enum redis_reply_type type;
    uint32_t count;    /* items of a list; 0 for other types */
    uint32_t span;     /* structs that it takes, itself included */
    int64_t integer;   /* 0 for other types */
    struct slice text; /* text or error; empty for other types; may hold zeros */
};

/* The first item; only where count > 0. */
static inline const struct redis_reply *redis_reply_first(const struct redis_reply *list)
{
    return list + 1;
}

/* The item after this one; the caller counts. */
static inline const struct redis_reply *redis_reply_next(const struct redis_reply *item)
{
    return item + item->span;
}

/* NULL beyond the end. */
const struct redis_reply *redis_reply_item(const struct redis_reply *list, size_t index);

/* Reply to HGETALL of a client's key. Anything but a list is HISTORY_MISSING; a hash with none
 * of our fields is no record. */
enum history_state redis_reply_read_client(const struct redis_reply *reply,
                                           struct client_record *record_r);
/* Reply to HGETALL: the fields, at most size of them; returns how many. */
size_t redis_reply_read_fields(const struct redis_reply *reply, struct redis_field *fields_r,
                               size_t size);

#endif
