#include "common/address.h"
#include "t/unit/tap.h"

#include <netinet/in.h>

static const struct {
    const char *text, *expected; /* NULL: refused */
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"2001:DB8::1", "2001:db8::1"},
    {"IPv6:2001:db8::1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::1", "::1"},
    {"unknown", NULL},
    {"", NULL},
    {"192.0.2", NULL},
    {"192.0.2.1.", NULL},
    {"192.0.2.256", NULL},
    {"192.0.02.1", NULL},
    {"192.0.2.1 ", NULL},
    {"1.2.3.4.5", NULL},
    {"2001:db8::1%eth0", NULL},
    {"2001:db8::1::", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333", NULL},
};

static const struct {
    const char *network, *inside, *outside; /* inside NULL: refused */
} networks[] = {
    {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"192.0.2.0/25", "192.0.2.127", "192.0.2.128"},
    {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
    {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
    {"[2001:db8::]/32", "2001:db8:ffff::1", "2001:db9::1"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    {"::/0", "2001:db8::1", "192.0.2.1"},
    {"192.0.2.1/24", NULL, NULL},
    {"192.0.2.0/33", NULL, NULL},
    {"192.0.2.0/", NULL, NULL},
    {"192.0.2.0/2x", NULL, NULL},
    {"192.0.2.0/1234", NULL, NULL},
    {"2001:db8::1/64", NULL, NULL},
    {"/24", NULL, NULL},
    {"example.org", NULL, NULL},
};

static const struct {
    const char *address, *key;
} keys[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
    {"ffff:ffff:ffff:ffff:1::", "ffff:ffff:ffff:ffff::/64"},
    {"::1", "::/64"},
};

static const struct {
    const char *text, *key; /* NULL: refused */
} key_texts[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.0/25", NULL},
    {"192.0.2.1/32", "192.0.2.1"},
    {"2001:db8:1:2::/64", "2001:db8:1:2::/64"},
    {"2001:db8:1::/48", "2001:db8:1::/48"},
    {"2001:db8::7", "2001:db8::/64"},
    {"Example.ORG", "example.org"},
    {"exa mple.org", NULL},
    {"a\tb", NULL},
    {"", NULL},
    {"12345678901234567890123456789012345678901234567890123456789.org", NULL},
};

static struct address parsed(const char *text)
{
    struct address address;
    address_parse(slice_from_string(text), &address);
    return address;
}

static void test_addresses(void)
{
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        bool is_parsed = address_parse(slice_from_string(addresses[i].text), &address);
        ok(is_parsed == (addresses[i].expected != NULL), "parse '%s'", addresses[i].text);
        if (addresses[i].expected) {
            address_format(&address, text);
            is_string(text, addresses[i].expected, addresses[i].text);
        } else {
            ok(address.family == ADDRESS_NONE, "no address in '%s'", addresses[i].text);
        }
    }
    struct address address;
    ok(!address_parse((struct slice){"::1\0", 4}, &address), "a NUL is not part of an address");
}

static void test_networks(void)
{
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        struct network network;
        bool is_parsed = network_parse(slice_from_string(networks[i].network), &network);
        ok(is_parsed == (networks[i].inside != NULL), "parse network '%s'",
           networks[i].network);
        if (!networks[i].inside)
            continue;
        struct address inside = parsed(networks[i].inside);
        struct address outside = parsed(networks[i].outside);
        ok(network_contains(&network, &inside), "%s in %s", networks[i].inside,
           networks[i].network);
        ok(!network_contains(&network, &outside), "%s not in %s", networks[i].outside,
           networks[i].network);
    }
}

static void test_keys(void)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct address address = parsed(keys[i].address);
        struct client_key key = client_key_from_address(&address);
        char text[CLIENT_KEY_TEXT_SIZE];
        client_key_format(&key, text);
        is_string(text, keys[i].key, keys[i].address);
    }
    struct address address = parsed("2001:db8:1:2::3"), none = {.family = ADDRESS_NONE};
    struct client_key key = client_key_from_network(&address), parsed_key;
    char text[CLIENT_KEY_TEXT_SIZE];
    client_key_format(&key, text);
    is_string(text, "2001:db8:1::/48", "network of an IPv6 address");
    ok(client_key_from_address(&none).kind == CLIENT_KEY_NONE &&
           client_key_from_network(&none).kind == CLIENT_KEY_NONE,
       "no address, no key");
    for (size_t i = 0; i < sizeof(key_texts) / sizeof(key_texts[0]); i++) {
        bool is_parsed = client_key_parse(slice_from_string(key_texts[i].text), &parsed_key);
        if (!ok(is_parsed == (key_texts[i].key != NULL), "key from '%s'", key_texts[i].text) ||
            !is_parsed)
            continue;
        client_key_format(&parsed_key, text);
        is_string(text, key_texts[i].key, "... is written as");
    }
    address = parsed("192.0.2.1");
    key = client_key_from_address(&address);
    parsed_key = client_key_from_network(&address);
    ok(!client_key_equals(&key, &parsed_key), "a client is not its network");
    is_number(client_key_bytes(&key).length, 6, "bytes of an IPv4 key");
}

static void test_sockaddr(void)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    mapped.sin6_addr.s6_addr[12] = 192;
    struct address address = address_from_sockaddr((struct sockaddr *)&mapped);
    char text[ADDRESS_TEXT_SIZE];
    address_format(&address, text);
    is_string(text, "192.0.0.0", "an IPv4-mapped socket address is IPv4");
    address = address_from_sockaddr(NULL);
    ok(address.family == ADDRESS_NONE, "no socket address is no address");
}

int main(void)
{
    test_addresses();
    test_networks();
    test_keys();
    test_sockaddr();
    return done_testing();
}
