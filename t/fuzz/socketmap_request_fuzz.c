/*
 * Fuzzer of socketmap requests: what is said may not depend on how the bytes arrive, and
 * neither name nor key may lie outside of them.
 */
#include "common/netstring.h"
#include "common/socketmap_request.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(const char *data, size_t left,
                          const struct socketmap_request *request)
{
    require(request->taken <= left && data[request->taken - 1] == ',');
    require(request->name.length > 0 && request->name.data > data);
    require(request->key.data == request->name.data + request->name.length + 1);
    require(request->key.data + request->key.length == data + request->taken - 1);
    require(!memchr(request->name.data, ' ', request->name.length));
    require(request->key.length == 0 || !memchr(request->key.data, '\0', request->key.length));
}

/* With fewer bytes it is either too early to tell, or already wrong. */
static void check_prefixes(const char *data, size_t length, enum socketmap_parse result)
{
    struct socketmap_request request;
    for (size_t i = 0; i < length; i++) {
        enum socketmap_parse early = socketmap_request_parse(data, i, &request);
        require(early == SOCKETMAP_MORE ||
                (early == SOCKETMAP_INVALID && result == SOCKETMAP_INVALID));
    }
}

static void check_reply(struct slice text)
{
    struct buffer buffer = BUFFER_WITH_MAXIMUM(2 * SOCKETMAP_REPLY_MAX);
    struct slice content;
    size_t taken;
    require(socketmap_reply_append(&buffer, SOCKETMAP_OK, text));
    require(netstring_parse(buffer.data, buffer.length, SOCKETMAP_REPLY_MAX, &content,
                            &taken) == NETSTRING_DONE);
    require(taken == buffer.length && memcmp(content.data, "OK ", 3) == 0);
    for (size_t i = 0; i < content.length; i++)
        require((unsigned char)content.data[i] >= ' ');
    buffer_free(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    check_reply((struct slice){data, size});
    for (size_t left = size; left > 0;) {
        struct socketmap_request request;
        enum socketmap_parse result = socketmap_request_parse(data, left, &request);
        size_t taken = result == SOCKETMAP_DONE ? request.taken : left;
        if (taken < 300)
            check_prefixes(data, taken, result);
        if (result != SOCKETMAP_DONE)
            return 0;
        check_request(data, left, &request);
        data += request.taken;
        left -= request.taken;
    }
    return 0;
}
