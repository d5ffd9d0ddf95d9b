#include "common/policy_request.h"

#include <string.h>

static const struct attribute_row {
    const char *name;
    size_t length;
} attribute_table[POLICY_ATTRIBUTE_COUNT] = {
#define ATTRIBUTE_ROW(id, text) {text, sizeof(text) - 1},
    POLICY_ATTRIBUTES(ATTRIBUTE_ROW)
#undef ATTRIBUTE_ROW
};

static const struct stage_row {
    struct slice protocol_state;
    enum stage stage;
} stage_table[] = {
    {SLICE_LITERAL("RCPT"), STAGE_RCPT},
    {SLICE_LITERAL("CONNECT"), STAGE_CONNECT},
    {SLICE_LITERAL("MAIL"), STAGE_MAIL},
    {SLICE_LITERAL("DATA"), STAGE_DATA},
    {SLICE_LITERAL("END-OF-MESSAGE"), STAGE_END_OF_MESSAGE},
    {SLICE_LITERAL("EHLO"), STAGE_HELO},
    {SLICE_LITERAL("HELO"), STAGE_HELO},
    {SLICE_LITERAL("VRFY"), STAGE_OTHER},
    {SLICE_LITERAL("ETRN"), STAGE_OTHER},
};

const char *policy_attribute_name(enum policy_attribute attribute)
{
    return attribute_table[attribute].name;
}

/* One comparison of lengths a name, and one inlined comparison of bytes for the right one:
 * cheaper than a hash. POLICY_ATTRIBUTE_COUNT: unknown. */
static unsigned attribute_find(const char *name, size_t length)
{
#define ATTRIBUTE_TRY(id, text)                                                                \
    if (length == sizeof(text) - 1 && memcmp(name, text, sizeof(text) - 1) == 0)               \
        return POLICY_ATTRIBUTE_##id;
    POLICY_ATTRIBUTES(ATTRIBUTE_TRY)
#undef ATTRIBUTE_TRY
    return POLICY_ATTRIBUTE_COUNT;
}

static bool is_attribute(const char *line, size_t length, const struct attribute_row *row)
{
    return length > row->length && line[row->length] == '=' &&
           memcmp(line, row->name, row->length) == 0;
}

static enum policy_parse invalid(struct policy_request *request, const char *problem)
{
    request->problem = problem;
    return POLICY_PARSE_INVALID;
}

/* One line, from request->line up to its newline at end. */
static enum policy_parse parse_line(struct policy_request *request, uint32_t end)
{
    const char *line = request->data + request->line;
    size_t length = end - request->line;
    unsigned attribute = request->expected;
    size_t name_length = attribute_table[attribute].length;

    if (!is_attribute(line, length, &attribute_table[attribute])) {
        const char *equals = memchr(line, '=', length);
        if (!equals)
            return invalid(request, "line without '='");
        name_length = (size_t)(equals - line);
        if (name_length == 0)
            return invalid(request, "attribute without a name");
        attribute = attribute_find(line, name_length);
        if (attribute == POLICY_ATTRIBUTE_COUNT)
            return POLICY_PARSE_MORE;
    }
    request->values[attribute].offset = request->line + (uint32_t)name_length + 1;
    request->values[attribute].length = (uint32_t)(length - name_length - 1);
    request->expected = attribute + 1 < POLICY_ATTRIBUTE_COUNT ? attribute + 1 : 0;
    return POLICY_PARSE_MORE;
}

static enum policy_parse parse_lines(struct policy_request *request, uint32_t limit)
{
    while (request->scanned < limit) {
        const char *from = request->data + request->scanned;
        const char *newline = memchr(from, '\n', limit - request->scanned);
        if (!newline) {
            request->scanned = limit;
            break;
        }
        uint32_t end = (uint32_t)(newline - request->data);
        request->scanned = end + 1;
        if (end == request->line)
            return POLICY_PARSE_DONE;
        if (parse_line(request, end) == POLICY_PARSE_INVALID)
            return POLICY_PARSE_INVALID;
        request->line = end + 1;
    }
    return POLICY_PARSE_MORE;
}

static enum policy_parse check_type(struct policy_request *request)
{
    struct slice type = policy_request_value(request, POLICY_ATTRIBUTE_REQUEST);
    request->line = 0; /* it is the request that is wrong, not a line of it */
    if (request->values[POLICY_ATTRIBUTE_REQUEST].offset == 0)
        return invalid(request, "no 'request' attribute");
    if (!slice_equals(type, SLICE_LITERAL("smtpd_access_policy")))
        return invalid(request, "not a request=smtpd_access_policy");
    return POLICY_PARSE_DONE;
}

void policy_request_init(struct policy_request *request)
{
    memset(request, 0, sizeof(*request));
}

enum policy_parse policy_request_parse(struct policy_request *request, const char *data,
                                       size_t length)
{
    uint32_t from = request->scanned;
    uint32_t limit = length < POLICY_REQUEST_MAX ? (uint32_t)length : POLICY_REQUEST_MAX;

    request->data = data;
    enum policy_parse result = parse_lines(request, limit);
    if (result == POLICY_PARSE_INVALID)
        return result;
    if (request->scanned > from && memchr(data + from, '\0', request->scanned - from))
        return invalid(request, "NUL byte");
    if (result == POLICY_PARSE_DONE) {
        request->length = request->scanned;
        return check_type(request);
    }
    if (limit == POLICY_REQUEST_MAX)
        return invalid(request, "longer than 65536 bytes");
    return POLICY_PARSE_MORE;
}

enum stage policy_request_stage(const struct policy_request *request)
{
    struct slice state = policy_request_value(request, POLICY_ATTRIBUTE_PROTOCOL_STATE);
    for (size_t i = 0; i < sizeof(stage_table) / sizeof(stage_table[0]); i++)
        if (slice_equals(state, stage_table[i].protocol_state))
            return stage_table[i].stage;
    return STAGE_OTHER;
}

bool policy_request_client(const struct policy_request *request, struct address *address_r)
{
    return address_parse(policy_request_value(request, POLICY_ATTRIBUTE_CLIENT_ADDRESS),
                         address_r);
}

bool policy_request_port(const struct policy_request *request, enum policy_attribute attribute,
                         uint16_t *port_r)
{
    struct slice text = policy_request_value(request, attribute);
    unsigned port = 0;
    if (text.length == 0 || text.length > 5)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    *port_r = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

bool policy_request_is_stressed(const struct policy_request *request)
{
    return slice_equals(policy_request_value(request, POLICY_ATTRIBUTE_STRESS),
                        SLICE_LITERAL("yes"));
}

bool policy_request_is_authenticated(const struct policy_request *request)
{
    return request->values[POLICY_ATTRIBUTE_SASL_USERNAME].length > 0 ||
           request->values[POLICY_ATTRIBUTE_SASL_METHOD].length > 0;
}
