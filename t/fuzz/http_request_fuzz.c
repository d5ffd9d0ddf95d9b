/*
 * Fuzzer of HTTP requests: what is said may not depend on how the bytes arrive, and no slice
 * may lie outside of them.
 */
#include "common/config.h"
#include "common/http_request.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_within(struct slice slice, const char *data, size_t length)
{
    require(slice.length == 0 ||
            (slice.data >= data && slice.data + slice.length <= data + length));
}

static void check_request(const char *data, size_t left, const struct http_request *request)
{
    require(request->taken <= left && request->taken <= HTTP_REQUEST_MAX);
    require(data[request->taken - 1] == '\n');
    require_within(request->path, data, request->taken);
    require_within(request->query, data, request->taken);
    require_within(request->host, data, request->taken);
    require(request->path.length > 0 && request->path.data[0] == '/');
    require(request->path.length + request->query.length <= HTTP_TARGET_MAX);
    require(!memchr(request->path.data, '?', request->path.length));
    for (size_t i = 0; i < request->path.length; i++)
        require(request->path.data[i] > ' ' && request->path.data[i] <= '~');
}

static void check_uses(const struct http_request *request)
{
    static char *items[] = {"a"};
    const struct string_list names = {items, 1};
    char value[16];
    http_host_is_ours(request->host, &names);
    if (http_query_get(request->query, "a", value, sizeof(value)))
        require(http_query_has(request->query, "a") && strlen(value) < sizeof(value));
}

/* With fewer bytes it is either too early to tell, or already wrong. */
static void check_prefixes(const char *data, size_t length, enum http_parse result)
{
    struct http_request request;
    int status;
    for (size_t i = 0; i < length; i++) {
        enum http_parse early = http_request_parse(data, i, &request, &status);
        require(early == HTTP_MORE || (early == HTTP_REFUSED && result == HTTP_REFUSED));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    for (size_t left = size; left > 0;) {
        struct http_request request;
        int status = 0;
        enum http_parse result = http_request_parse(data, left, &request, &status);
        size_t taken = result == HTTP_DONE ? request.taken : left;
        if (taken < 300)
            check_prefixes(data, taken, result);
        if (result == HTTP_REFUSED)
            require(status >= 400 && status < 600);
        if (result != HTTP_DONE)
            return 0;
        check_request(data, left, &request);
        check_uses(&request);
        data += request.taken;
        left -= request.taken;
    }
    return 0;
}
