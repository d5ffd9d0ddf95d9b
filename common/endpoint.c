#include "common/endpoint.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

static bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.length >= prefix.length &&
           slice_equals((struct slice){text.data, prefix.length}, prefix);
}

static struct slice slice_skip(struct slice text, size_t length)
{
    return (struct slice){text.data + length, text.length - length};
}

static char *slice_to_string(struct slice slice)
{
    char *string = memory_allocate(slice.length + 1, 1);
    slice_copy_string(slice, string, slice.length + 1);
    return string;
}

static bool is_graphic(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

static bool parse_unix(struct slice path, struct endpoint *endpoint_r, struct error *error)
{
    if (path.length == 0 || path.data[0] != '/')
        return error_set(error, "the path has to begin with \"/\"");
    if (path.length > ENDPOINT_PATH_MAX)
        return error_set(error, "the path has %zu bytes, a socket's can have %d", path.length,
                         ENDPOINT_PATH_MAX);
    endpoint_r->type = ENDPOINT_UNIX;
    endpoint_r->path = slice_to_string(path);
    return true;
}

static bool parse_port(struct slice text, uint16_t *port_r)
{
    unsigned value = 0;
    if (text.length == 0 || text.length > 5)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *port_r = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* Letters, digits, "-", "_" and "."; a numeric IPv4 address is made of them too. */
static bool is_host_name(struct slice host)
{
    static const char extra[] = "-_.";
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || !strchr(extra, c)))
            return false;
    }
    return host.length > 0 && host.length <= ENDPOINT_HOST_MAX;
}

static bool is_ipv6_address(struct slice host)
{
    struct address address;
    return host.length > 0 && memchr(host.data, ':', host.length) &&
           !memchr(host.data, 'P', host.length) && /* the "IPv6:" tag of SMTP */
           address_parse(host, &address);
}

static bool parse_inet(struct slice text, struct endpoint *endpoint_r, struct error *error)
{
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return error_set(error, "the port is missing");

    struct slice host = {text.data, colon - 1}, port = slice_skip(text, colon);
    bool has_brackets =
        host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (has_brackets)
        host = (struct slice){host.data + 1, host.length - 2};
    if (!has_brackets && host.length > 0 && memchr(host.data, ':', host.length))
        return error_set(error, "an IPv6 address has to stand in brackets");
    if (has_brackets ? !is_ipv6_address(host) : !is_host_name(host))
        return error_set(error, "the host is not %s",
                         has_brackets ? "an IPv6 address" : "an IPv4 address or a name");
    if (!parse_port(port, &endpoint_r->port))
        return error_set(error, "the port is not a number from 1 to 65535");
    endpoint_r->type = ENDPOINT_INET;
    endpoint_r->host = slice_to_string(host);
    return true;
}

bool endpoint_parse(struct slice text, struct endpoint *endpoint_r, struct error *error)
{
    static const struct slice unix_tag = {"unix:", 5}, inet_tag = {"inet:", 5};
    struct endpoint endpoint = {.type = ENDPOINT_NONE};
    bool is_parsed;

    if (!is_graphic(text))
        return error_set(error, "it has a character other than printable ASCII without spaces");
    if (slice_starts_with(text, unix_tag))
        is_parsed = parse_unix(slice_skip(text, unix_tag.length), &endpoint, error);
    else if (slice_starts_with(text, inet_tag))
        is_parsed = parse_inet(slice_skip(text, inet_tag.length), &endpoint, error);
    else
        return error_set(error, "it begins neither with \"unix:\" nor with \"inet:\"");
    if (!is_parsed)
        return false;
    endpoint.text = slice_to_string(text);
    *endpoint_r = endpoint;
    return true;
}

void endpoint_release(struct endpoint *endpoint)
{
    free(endpoint->text);
    free(endpoint->path);
    free(endpoint->host);
    *endpoint = (struct endpoint){.type = ENDPOINT_NONE};
}

bool endpoint_equals(const struct endpoint *a, const struct endpoint *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == ENDPOINT_UNIX)
        return strcmp(a->path, b->path) == 0;
    return a->type == ENDPOINT_NONE ||
           (a->port == b->port && strcasecmp(a->host, b->host) == 0);
}
