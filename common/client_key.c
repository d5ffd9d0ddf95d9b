/* Client keys: see common/address.h. */
#include "common/address.h"

#include <stdio.h>
#include <string.h>

/* Of each kind of key: how many bytes of the address it has, and what stands behind them. */
static const struct key_row {
    uint8_t kind, family, length;
    const char *suffix;
} key_table[] = {
    {CLIENT_KEY_IPV4, ADDRESS_IPV4, 4, ""},
    {CLIENT_KEY_IPV6, ADDRESS_IPV6, 8, "/64"},
    {CLIENT_KEY_IPV4_NETWORK, ADDRESS_IPV4, 3, "/24"},
    {CLIENT_KEY_IPV6_NETWORK, ADDRESS_IPV6, 6, "/48"},
};

static const struct key_row *row_of(uint8_t kind)
{
    for (size_t i = 0; i < sizeof(key_table) / sizeof(key_table[0]); i++)
        if (key_table[i].kind == kind)
            return &key_table[i];
    return NULL;
}

static struct client_key make(enum client_key_kind kind, const struct address *address)
{
    struct client_key key;
    key.kind = (uint8_t)kind;
    key.length = row_of(key.kind)->length;
    memcpy(key.bytes, address->bytes, key.length);
    return key;
}

static struct client_key no_key(void)
{
    struct client_key key;
    key.kind = CLIENT_KEY_NONE;
    key.length = 0;
    return key;
}

struct client_key client_key_from_address(const struct address *address)
{
    if (address->family == ADDRESS_NONE)
        return no_key();
    return make(address->family == ADDRESS_IPV4 ? CLIENT_KEY_IPV4 : CLIENT_KEY_IPV6, address);
}

struct client_key client_key_from_network(const struct address *address)
{
    if (address->family == ADDRESS_NONE)
        return no_key();
    return make(address->family == ADDRESS_IPV4 ? CLIENT_KEY_IPV4_NETWORK
                                                : CLIENT_KEY_IPV6_NETWORK,
                address);
}

static bool is_domain_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

struct client_key client_key_from_domain(struct slice domain)
{
    struct client_key key = no_key();
    if (domain.length == 0 || domain.length > sizeof(key.bytes))
        return key;
    for (size_t i = 0; i < domain.length; i++) {
        char c = domain.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!is_domain_character(c))
            return key;
        key.bytes[i] = (uint8_t)c;
    }
    key.kind = CLIENT_KEY_DOMAIN;
    key.length = (uint8_t)domain.length;
    return key;
}

void client_key_format(const struct client_key *key, char out[static CLIENT_KEY_TEXT_SIZE])
{
    const struct key_row *row = row_of(key->kind);
    if (row) {
        struct address address = {.family = row->family};
        char text[ADDRESS_TEXT_SIZE];
        memcpy(address.bytes, key->bytes, row->length);
        address_format(&address, text);
        snprintf(out, CLIENT_KEY_TEXT_SIZE, "%s%s", text, row->suffix);
    } else if (key->kind == CLIENT_KEY_DOMAIN) {
        slice_copy_string((struct slice){(const char *)key->bytes, key->length}, out,
                          CLIENT_KEY_TEXT_SIZE);
    } else {
        snprintf(out, CLIENT_KEY_TEXT_SIZE, "unknown");
    }
}

static bool key_from_network(const struct network *network, struct client_key *key_r)
{
    unsigned whole = network->address.family == ADDRESS_IPV4 ? 32 : 64;
    unsigned aggregate = network->address.family == ADDRESS_IPV4 ? 24 : 48;
    if (network->prefix_length == aggregate)
        *key_r = client_key_from_network(&network->address);
    else
        *key_r = client_key_from_address(&network->address);
    return network->prefix_length == aggregate || network->prefix_length == whole;
}

bool client_key_parse(struct slice text, struct client_key *key_r)
{
    struct address address;
    struct network network;
    if (address_parse(text, &address)) {
        *key_r = client_key_from_address(&address);
        return true;
    }
    if (network_parse(text, &network))
        return key_from_network(&network, key_r);
    *key_r = client_key_from_domain(text);
    return key_r->kind != CLIENT_KEY_NONE;
}

bool client_key_equals(const struct client_key *a, const struct client_key *b)
{
    return a->kind == b->kind && a->length == b->length &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

struct slice client_key_bytes(const struct client_key *key)
{
    return (struct slice){(const char *)key, offsetof(struct client_key, bytes) + key->length};
}
