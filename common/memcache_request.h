/*
 * memcache_request - the text protocol of memcached, as far as Postfix's memcache_table(5) uses
 * it: get, set, add, delete, version, quit. Pure.
 *
 * Where it is wider than memcached: keys may have MEMCACHE_KEY_MAX bytes, all but white space
 * and zero, as Postfix sends whatever stands in an address. Where it is narrower: a get is of
 * one key.
 */
#ifndef POSTVALVE_COMMON_MEMCACHE_REQUEST_H
#define POSTVALVE_COMMON_MEMCACHE_REQUEST_H

#include "common/buffer.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMCACHE_KEY_MAX     4096  /* bytes: an SMTP line of Postfix, and a key_format */
#define MEMCACHE_VALUE_MAX   16384 /* bytes; Postfix's data_size_limit is 10240 */
#define MEMCACHE_SKIP_MAX    (1024 * 1024) /* bytes of a value that is read and thrown away */
#define MEMCACHE_LINE_MAX    (MEMCACHE_KEY_MAX + 64)
#define MEMCACHE_REQUEST_MAX (MEMCACHE_LINE_MAX + MEMCACHE_VALUE_MAX + 2)
#define MEMCACHE_ECHO_MAX                                                                      \
    250 /* bytes of a key in a reply: memcached's longest key, and all                         \
         within Postfix's line_size_limit */
#define MEMCACHE_REPLY_MAX (MEMCACHE_ECHO_MAX + MEMCACHE_VALUE_MAX + 64)

enum memcache_command {
    MEMCACHE_GET,
    MEMCACHE_SET,
    MEMCACHE_ADD,
    MEMCACHE_DELETE,
    MEMCACHE_VERSION,
    MEMCACHE_QUIT
};

enum memcache_parse { MEMCACHE_DONE, MEMCACHE_MORE, MEMCACHE_INVALID };

struct memcache_request {
    enum memcache_command command;
    struct slice key;
    struct slice value; /* of set and add */
    uint32_t flags;
    int64_t exptime; /* as sent; see memcache_expire_s() */
    bool is_silent;  /* noreply */
    size_t taken;    /* bytes of data that the request was */
    size_t skip;     /* not 0: the value is too large, and the next bytes, so many, are it */
    const char *problem; /* INVALID: what to answer, a line without its end */
};

/* Parses the request at the start of data, which may go on behind it. Slices point into data.
 * After MEMCACHE_INVALID: close the connection. */
enum memcache_parse memcache_request_parse(const char *data, size_t length,
                                           struct memcache_request *request_r);

/* For how long to keep what came with this exptime, maximum_s at most; 0: not at all. As
 * memcached reads it: 0 is for ever, up to 30 days are seconds from now, more is a time. But a
 * time in the last century is none: Postfix sends its ttl as it is, and one of 31 days, the
 * life of an entry of verify(8), means just that. */
int64_t memcache_expire_s(int64_t exptime, int64_t maximum_s, int64_t wall_s);

/* The answer to a get that found something. False when the buffer has no room for it. */
bool memcache_reply_value(struct buffer *buffer, struct slice key, uint32_t flags,
                          struct slice value);

#endif
