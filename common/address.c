#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct address address_from_ipv6(const uint8_t bytes[static 16])
{
    struct address address = {.family = ADDRESS_IPV6};
    if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        address.family = ADDRESS_IPV4;
        memcpy(address.bytes, bytes + sizeof(mapped_prefix), 4);
    } else {
        memcpy(address.bytes, bytes, 16);
    }
    return address;
}

/* inet_pton() for IPv4 is slow enough to be seen in the profile of a policy reply. */
static bool address_parse_ipv4(struct slice text, struct address *address_r)
{
    struct address address = {.family = ADDRESS_IPV4};
    unsigned octet = 0, digits = 0, count = 0;
    for (size_t i = 0; i <= text.length; i++) {
        char c = i < text.length ? text.data[i] : '.';
        if (c >= '0' && c <= '9') {
            if (digits > 0 && octet == 0)
                return false; /* a leading zero: octal to some, decimal to others */
            octet = octet * 10 + (unsigned)(c - '0');
            if (++digits > 3 || octet > 255)
                return false;
        } else if (c == '.' && digits > 0 && count < 4) {
            address.bytes[count++] = (uint8_t)octet;
            octet = digits = 0;
        } else {
            return false;
        }
    }
    if (count != 4)
        return false;
    *address_r = address;
    return true;
}

bool address_parse(struct slice text, struct address *address_r)
{
    static const struct slice ipv6_tag = {"IPv6:", 5};
    char string[ADDRESS_TEXT_SIZE];
    uint8_t bytes[16];

    memset(address_r, 0, sizeof(*address_r));
    if (address_parse_ipv4(text, address_r))
        return true;
    if (text.length > ipv6_tag.length &&
        strncasecmp(text.data, ipv6_tag.data, ipv6_tag.length) == 0) {
        text.data += ipv6_tag.length;
        text.length -= ipv6_tag.length;
    }
    if (text.length == 0 || memchr(text.data, '\0', text.length) ||
        !slice_copy_string(text, string, sizeof(string)) ||
        inet_pton(AF_INET6, string, bytes) != 1)
        return false;
    *address_r = address_from_ipv6(bytes);
    return true;
}

struct address address_from_sockaddr(const struct sockaddr *socket_address)
{
    struct address address = {.family = ADDRESS_NONE};
    if (!socket_address)
        return address;
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, socket_address, sizeof(ipv4));
        address.family = ADDRESS_IPV4;
        memcpy(address.bytes, &ipv4.sin_addr, 4);
    } else if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, socket_address, sizeof(ipv6));
        address = address_from_ipv6(ipv6.sin6_addr.s6_addr);
    }
    return address;
}

void address_format(const struct address *address, char out[static ADDRESS_TEXT_SIZE])
{
    if (address->family == ADDRESS_IPV4)
        inet_ntop(AF_INET, address->bytes, out, ADDRESS_TEXT_SIZE);
    else if (address->family == ADDRESS_IPV6)
        inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_SIZE);
    else
        snprintf(out, ADDRESS_TEXT_SIZE, "unknown");
}

bool address_equals(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether the first prefix_length bits are the same. */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned prefix_length)
{
    unsigned whole = prefix_length / 8, rest = prefix_length % 8;
    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ b[whole]) & (0xff00 >> rest) & 0xff) == 0);
}

static bool prefix_length_parse(struct slice text, unsigned maximum, uint8_t *prefix_length_r)
{
    unsigned value = 0;
    if (text.length == 0 || text.length > 3)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *prefix_length_r = (uint8_t)value;
    return value <= maximum;
}

bool network_parse(struct slice text, struct network *network_r)
{
    struct slice address_text = text, prefix_text = {NULL, 0};
    const char *slash = text.length ? memchr(text.data, '/', text.length) : NULL;
    if (slash) {
        address_text.length = (size_t)(slash - text.data);
        prefix_text = (struct slice){slash + 1, text.length - address_text.length - 1};
    }
    if (address_text.length > 2 && address_text.data[0] == '[' &&
        address_text.data[address_text.length - 1] == ']')
        address_text = (struct slice){address_text.data + 1, address_text.length - 2};

    struct network network = {.prefix_length = 0};
    if (!address_parse(address_text, &network.address))
        return false;
    unsigned maximum = network.address.family == ADDRESS_IPV4 ? 32 : 128;
    network.prefix_length = (uint8_t)maximum;
    if (slash && !prefix_length_parse(prefix_text, maximum, &network.prefix_length))
        return false;

    /* Host bits: everything after the prefix has to equal an all-zero address. */
    for (unsigned bit = network.prefix_length; bit < maximum; bit++)
        if (network.address.bytes[bit / 8] & (0x80 >> (bit % 8)))
            return false;
    *network_r = network;
    return true;
}

bool network_contains(const struct network *network, const struct address *address)
{
    return network->address.family == address->family &&
           bits_equal(network->address.bytes, address->bytes, network->prefix_length);
}
