/*
 * Fuzzer of memcache requests, and of what verify(8) stores: what is said may not depend on how
 * the bytes arrive, neither key nor value may lie outside of them, and a reply may hold no line
 * that nobody meant to write.
 */
#include "common/memcache_request.h"
#include "common/postfix_verify_entry.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(struct slice slice, const char *data, size_t length)
{
    return slice.length == 0 ||
           (slice.data >= data && slice.data + slice.length <= data + length);
}

static void check_reply(const struct memcache_request *request)
{
    struct buffer buffer = BUFFER_WITH_MAXIMUM(MEMCACHE_REPLY_MAX);
    require(memcache_reply_value(&buffer, request->key, request->flags, request->value));
    const char *newline = memchr(buffer.data, '\n', buffer.length);
    size_t tail = request->value.length + 7; /* CR LF END CR LF */
    require(newline && buffer.length == (size_t)(newline + 1 - buffer.data) + tail);
    require(newline - buffer.data < 1024); /* Postfix's line_size_limit */
    buffer_free(&buffer);
}

static void check_request(const char *data, size_t left, const struct memcache_request *request)
{
    require(request->taken > 0 && request->taken <= left);
    require(is_inside(request->key, data, request->taken));
    require(is_inside(request->value, data, request->taken));
    require(request->key.length <= MEMCACHE_KEY_MAX);
    require(request->value.length <= MEMCACHE_VALUE_MAX);
    require((request->key.length > 0) == (request->command < MEMCACHE_VERSION));
    for (size_t i = 0; i < request->key.length; i++)
        require(!strchr(" \t\n\v\f\r", request->key.data[i])); /* finds zero too */
    check_reply(request);
    int64_t expire_s = memcache_expire_s(request->exptime, 1000, 1800000000);
    require(expire_s >= 0 && expire_s <= 1000);
}

/* With fewer bytes it is either too early to tell, or already wrong. */
static void check_prefixes(const char *data, size_t length, enum memcache_parse result)
{
    struct memcache_request request;
    for (size_t i = 0; i < length; i++) {
        enum memcache_parse early = memcache_request_parse(data, i, &request);
        require(early == MEMCACHE_MORE ||
                (early == MEMCACHE_INVALID && result == MEMCACHE_INVALID));
    }
}

static void check_entry(struct slice text)
{
    struct postfix_verify_entry entry;
    struct slice address;
    if (postfix_verify_entry_parse(text, &entry)) {
        require(is_inside(entry.text, text.data, text.length));
        require(entry.probed_s >= 0 && entry.updated_s >= 0);
    }
    if (postfix_verify_key_address(text, &address)) {
        require(is_inside(address, text.data, text.length));
        require(memchr(address.data, '@', address.length) &&
                !memchr(address.data, ':', address.length));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    check_entry((struct slice){data, size});
    for (size_t left = size; left > 0;) {
        struct memcache_request request;
        enum memcache_parse result = memcache_request_parse(data, left, &request);
        size_t taken = result == MEMCACHE_DONE ? request.taken : left;
        if (taken < 300)
            check_prefixes(data, taken, result);
        if (result == MEMCACHE_INVALID)
            require(request.problem && !strpbrk(request.problem, "\r\n"));
        if (result != MEMCACHE_DONE)
            return 0;
        check_request(data, left, &request);
        check_entry(request.value);
        taken += request.skip < left - taken ? request.skip : left - taken;
        data += taken;
        left -= taken;
    }
    return 0;
}
