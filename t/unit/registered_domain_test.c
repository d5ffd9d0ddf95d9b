#include "common/client_keys.h"
#include "common/registered_domain.h"
#include "t/unit/tap.h"

static const struct {
    const char *name, *domain;
} names[] = {
    {"mx3.mail.example.org", "example.org"},
    {"example.org", "example.org"},
    {"MX.Example.ORG.", "Example.ORG"},
    {"mx.example.co.uk", "example.co.uk"},
    {"co.uk", ""},
    {"org", ""},
    {"localhost", ""},
    {"unknown", ""},
    {"", ""},
    {".", ""},
    {".example.org", ""},
    {"mx..example.org", ""},
    {"192.0.2.1", ""},
    {"[192.0.2.1]", ""},
    {"mx example.org", ""},
    {"mx\r\nSET.example.org", ""},
    {"m\xc3\xbcller.example.org", ""},
    {"host_1.example.org", "example.org"},
    {"mx.somebody.github.io", "somebody.github.io"},
    {"a.b.c.d.e.f.example.com", "example.com"},
};

static void test_names(void)
{
    static struct registered_domain_cache cache;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            struct slice name = slice_from_string(names[i].name);
            struct slice expected = slice_from_string(names[i].domain);
            ok(slice_equals(registered_domain_find(name), expected), "%s: '%s'", names[i].name,
               names[i].domain);
            ok(slice_equals(registered_domain_find_cached(&cache, name), expected), "... %s",
               round ? "from the cache" : "into the cache");
        }
    }
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    is_number(registered_domain_find((struct slice){longest, sizeof(longest)}).length, 0,
              "too long");
    is_number(
        registered_domain_find_cached(&cache, (struct slice){longest, sizeof(longest)}).length,
        0, "... for the cache, too");
}

static void test_keys(void)
{
    struct address address = {.family = ADDRESS_NONE};
    struct client_keys keys;
    char text[CLIENT_KEY_TEXT_SIZE];

    client_keys_get(&address, SLICE_LITERAL("mx.example.org"), NULL, &keys);
    ok(!client_keys_has(&keys, SCOPE_CLIENT) && !client_keys_has(&keys, SCOPE_NETWORK) &&
           !client_keys_has(&keys, SCOPE_DOMAIN),
       "no address, no keys");
    address_parse(SLICE_LITERAL("192.0.2.77"), &address);
    client_keys_get(&address, SLICE_LITERAL("unknown"), NULL, &keys);
    ok(!client_keys_has(&keys, SCOPE_DOMAIN), "a name that is not verified");
    client_keys_get(&address, SLICE_LITERAL("Mx1.Example.ORG"), NULL, &keys);
    client_key_format(&keys.of[SCOPE_CLIENT], text);
    is_string(text, "192.0.2.77", "client");
    client_key_format(&keys.of[SCOPE_NETWORK], text);
    is_string(text, "192.0.2.0/24", "network");
    client_key_format(&keys.of[SCOPE_DOMAIN], text);
    is_string(text, "example.org", "domain");
}

int main(void)
{
    test_names();
    test_keys();
    return done_testing();
}
