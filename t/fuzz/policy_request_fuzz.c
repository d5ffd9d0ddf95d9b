/*
 * Fuzzer of the policy request parser: what it says may not depend on how the bytes arrive, and
 * no value may lie outside of them.
 */
#include "common/policy_request.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_values(const struct policy_request *request)
{
    for (unsigned attribute = 0; attribute < POLICY_ATTRIBUTE_COUNT; attribute++) {
        struct slice value = policy_request_value(request, attribute);
        size_t offset = (size_t)(value.data - request->data);
        require(offset + value.length <= request->length);
        require(value.length == 0 || !memchr(value.data, '\n', value.length));
        require(value.length == 0 || !memchr(value.data, '\0', value.length));
        require(value.length == 0 || value.data[-1] == '=');
    }
}

static void derive(const struct policy_request *request)
{
    struct address client;
    uint16_t port = 1;
    require(policy_request_stage(request) < STAGE_COUNT);
    require(policy_request_client(request, &client) == (client.family != ADDRESS_NONE));
    require(!policy_request_port(request, POLICY_ATTRIBUTE_CLIENT_PORT, &port) || port != 0);
    policy_request_is_stressed(request);
    policy_request_is_authenticated(request);
}

/* In pieces, each in memory of its own that ends where the piece ends. */
static enum policy_parse parse_in_pieces(struct policy_request *request, const char *data,
                                         size_t size, size_t step)
{
    enum policy_parse result = POLICY_PARSE_MORE;
    size_t given = 0;
    while (given < size && result == POLICY_PARSE_MORE) {
        given = size - given > step ? given + step : size;
        char *piece = malloc(given);
        require(piece != NULL);
        memcpy(piece, data, given);
        result = policy_request_parse(request, piece, given);
        free(piece);
    }
    request->data = data;
    return result;
}

static void compare(const struct policy_request *a, const struct policy_request *b)
{
    require(a->length == b->length);
    require(memcmp(a->values, b->values, sizeof(a->values)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    struct policy_request whole, pieces;

    for (size_t left = size; left > 0;) {
        policy_request_init(&whole);
        enum policy_parse result = policy_request_parse(&whole, data, left);
        require((result == POLICY_PARSE_INVALID) == (whole.problem != NULL));

        size_t step = left < 2048 ? 1 : left / 64;
        policy_request_init(&pieces);
        enum policy_parse again = parse_in_pieces(&pieces, data, left, step);
        if (again != result)
            abort();
        if (result != POLICY_PARSE_DONE)
            return 0;
        require(whole.length > 0 && whole.length <= left);
        check_values(&whole);
        derive(&whole);
        compare(&whole, &pieces);
        data += whole.length;
        left -= whole.length;
    }
    return 0;
}
