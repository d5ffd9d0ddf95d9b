#include "common/dnsbl_name.h"

#include <stdio.h>

#define LABEL_MAX    63
#define NIBBLES_SIZE 65 /* 32 digits, each with a dot, and the zero */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_label(struct slice label)
{
    if (label.length == 0 || label.length > LABEL_MAX || label.data[0] == '-' ||
        label.data[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++)
        if (!is_alphanumeric(label.data[i]) && label.data[i] != '-')
            return false;
    return true;
}

bool dnsbl_is_hostname(struct slice name)
{
    bool is_numeric = true;
    size_t start = 0;
    if (name.length == 0 || name.length > DNSBL_NAME_MAX)
        return false;
    for (size_t i = 0; i <= name.length; i++) {
        if (i < name.length && name.data[i] != '.') {
            is_numeric = is_numeric && is_digit(name.data[i]);
            continue;
        }
        if (!is_label((struct slice){name.data + start, i - start}))
            return false;
        start = i + 1;
    }
    return !is_numeric;
}

/* The label and what follows it, in lower case. */
static bool join(struct slice front, struct slice zone, char out[static DNSBL_NAME_SIZE])
{
    out[0] = '\0';
    if (zone.length == 0 || front.length + zone.length > DNSBL_NAME_MAX)
        return false;
    for (size_t i = 0; i < front.length + zone.length; i++) {
        char c = i < front.length ? front.data[i] : zone.data[i - front.length];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[front.length + zone.length] = '\0';
    return true;
}

bool dnsbl_name_from_ipv6(const uint8_t bytes[static 16], struct slice zone,
                          char out[static DNSBL_NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char nibbles[NIBBLES_SIZE];
    size_t length = 0;
    for (int i = 15; i >= 0; i--) {
        nibbles[length++] = digits[bytes[i] & 15];
        nibbles[length++] = '.';
        nibbles[length++] = digits[bytes[i] >> 4];
        nibbles[length++] = '.';
    }
    return join((struct slice){nibbles, length}, zone, out);
}

bool dnsbl_name_from_address(const struct address *address, struct slice zone,
                             char out[static DNSBL_NAME_SIZE])
{
    char reversed[sizeof("255.255.255.255.")];
    const uint8_t *bytes = address->bytes;
    out[0] = '\0';
    if (address->family == ADDRESS_IPV6)
        return dnsbl_name_from_ipv6(bytes, zone, out);
    if (address->family != ADDRESS_IPV4)
        return false;
    int length = snprintf(reversed, sizeof(reversed), "%u.%u.%u.%u.", bytes[3], bytes[2],
                          bytes[1], bytes[0]);
    return join((struct slice){reversed, (size_t)length}, zone, out);
}

/* What follows the last occurrence of c; the whole text without one. */
static struct slice after_last(struct slice text, char c)
{
    size_t start = text.length;
    while (start > 0 && text.data[start - 1] != c)
        start--;
    return start == 0 ? text : (struct slice){text.data + start, text.length - start};
}

static bool ends_in_number(struct slice domain)
{
    struct slice last = after_last(domain, '.');
    for (size_t i = 0; i < last.length; i++)
        if (!is_digit(last.data[i]))
            return false;
    return last.length > 0;
}

bool dnsbl_name_from_domain(struct slice domain, struct slice zone,
                            char out[static DNSBL_NAME_SIZE])
{
    char front[DNSBL_NAME_MAX + 1];
    out[0] = '\0';
    domain = after_last(domain, '@');
    if (!dnsbl_is_hostname(domain) || ends_in_number(domain))
        return false;
    memcpy(front, domain.data, domain.length);
    front[domain.length] = '.';
    return join((struct slice){front, domain.length + 1}, zone, out);
}
