#include "common/recipient_address.h"
#include "common/redis_keys.h"

#include "t/unit/tap.h"

#include <ctype.h>
#include <stdlib.h>

static const struct recipient_address_settings folded = {"", true}, exact = {"", false},
                                               plus = {"+", true}, dash = {"+-", true};

static const struct {
    const struct recipient_address_settings *settings;
    const char *argument, *text;
} forms[] = {
    {&folded, "<Bob@Example.ORG>", "bob@example.org"},
    {&exact, "<Bob@Example.ORG>", "Bob@example.org"},
    {&folded, "bob@example.org", "bob@example.org"},
    {&folded, "<bob@example.org.>", "bob@example.org"},
    {&folded, "<bob+list@example.org>", "bob+list@example.org"},
    {&plus, "<bob+list@example.org>", "bob@example.org"},
    {&plus, "<bob+a+b@example.org>", "bob@example.org"},
    {&plus, "<+list@example.org>", "+list@example.org"},
    {&plus, "<bob+>", "bob"},
    {&dash, "<bob-x+y@example.org>", "bob@example.org"},
    {&dash, "<owner-list@example.org>", "owner-list@example.org"},
    {&dash, "<list-request@example.org>", "list-request@example.org"},
    {&dash, "<MAILER-DAEMON@example.org>", "mailer-daemon@example.org"},
    {&dash, "<double-bounce@example.org>", "double-bounce@example.org"},
    {&plus, "<owner-x+y@example.org>", "owner-x@example.org"},
    {&folded, "<@a.example,@b.example:bob@c.example>", "bob@c.example"},
    {&folded, "<\"Bob Smith\"@example.org>", "bob smith@example.org"},
    {&folded, "<\"a@b\"@example.org>", "a@b@example.org"},
    {&folded, "<\"a\\\"b\"@example.org>", "a\"b@example.org"},
    {&folded, "<postmaster>", "postmaster"},
    {&folded, "<bob@[192.0.2.1]>", "bob@[192.0.2.1]"},
    {&folded,
     "<b\xc3\x96"
     "b@example.org>",
     "b\xc3\x96"
     "b@example.org"},
    {&folded, "<b\r\nob@example.org>", "b\r\nob@example.org"},
    {&folded, "<@>", "@"},
    {&folded, "<bob@.>", "bob@."},
    {&folded, "<@example.org>", "@example.org"},
    {&folded, "<>", NULL},
    {&folded, "", NULL},
    {&folded, "<", "<"},
    {&folded, "<\"\">", NULL},
};

static void test_forms(void)
{
    struct recipient_address address;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        bool is_set = recipient_address_parse(&address, slice_from_string(forms[i].argument),
                                              forms[i].settings);
        if (!forms[i].text)
            ok(!is_set, "%s is none", forms[i].argument);
        else
            ok(strcmp(address.text, forms[i].text) == 0, "form %zu", i);
        ok(address.length == strlen(address.text), "its length");
    }
    ok(!recipient_address_set(&address, (struct slice){"a\0b@example.org", 15}, &folded),
       "a zero byte is in no address");
}

static void test_sizes(void)
{
    static char text[RECIPIENT_ADDRESS_MAX + 2];
    struct recipient_address address;
    memset(text, 'a', sizeof(text));
    ok(recipient_address_set(&address, (struct slice){text, RECIPIENT_ADDRESS_MAX}, &folded),
       "the longest");
    ok(!recipient_address_set(&address, (struct slice){text, RECIPIENT_ADDRESS_MAX + 1},
                              &folded),
       "longer ones are none");
    ok(!recipient_address_parse(&address, (struct slice){text, sizeof(text)}, &folded),
       "... nor as an argument");
}

static void test_parts(void)
{
    struct recipient_address address;
    recipient_address_set(&address, SLICE_LITERAL("a@b@Example.ORG"), &folded);
    ok(slice_equals(recipient_address_domain(&address), SLICE_LITERAL("example.org")),
       "the domain is behind the last @");
    recipient_address_set(&address, SLICE_LITERAL("bob"), &folded);
    is_number(recipient_address_domain(&address).length, 0, "no domain");
    static const struct {
        const char *address;
        bool is_role;
    } roles[] = {
        {"postmaster", true},        {"Postmaster@example.org", true},
        {"ABUSE@example.org", true}, {"abuse+x@example.org", false},
        {"bob@abuse", false},        {"postmaste@example.org", false},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        recipient_address_set(&address, slice_from_string(roles[i].address), &exact);
        ok(recipient_address_is_role(&address) == roles[i].is_role, "%s", roles[i].address);
    }
}

/* Addresses that differ stay different keys, and no key holds what an address brings along. */
static const char *const hostile[] = {
    "bob@example.org",
    "bob@example.org\r\nFLUSHALL",
    "bob@example.org\n",
    "bob%40example.org",
    "bob@example.org~0123",
    "b:ob@example.org",
    "b*ob@example.org",
    "b\xc3\xb6"
    "b@example.org",
    "b\xc3\x96"
    "b@example.org",
    "b\xf6"
    "b@example.org",
    " bob@example.org",
    "bob @example.org",
    "bob@example.org ",
    "\x01",
    "%01",
    "{bob}@example.org",
};
#define LONG_ONES 4
#define ALL       (sizeof(hostile) / sizeof(hostile[0]) + LONG_ONES)

/* Two that only differ beyond where a readable key is cut, one that is longer, one that looks
 * like what a cut key looks like. */
static void get_hostile(size_t i, char out[RECIPIENT_ADDRESS_MAX])
{
    size_t plain = sizeof(hostile) / sizeof(hostile[0]);
    if (i < plain) {
        slice_copy_string(slice_from_string(hostile[i]), out, RECIPIENT_ADDRESS_MAX);
        return;
    }
    size_t length = i - plain < 2 ? 1000 : i - plain == 2 ? 1001 : 95;
    memset(out, 'x', length);
    out[length] = '\0';
    if (i - plain == 1)
        out[999] = 'y';
}

static void test_keys(bool is_readable)
{
    static struct redis_key keys[ALL * ADDRESS_KIND_COUNT];
    struct recipient_site_key site;
    recipient_site_key_derive(&site, SLICE_LITERAL("a secret of this very site"));
    size_t count = 0, same = 0, unsafe = 0;
    for (size_t i = 0; i < ALL * ADDRESS_KIND_COUNT; i++) {
        char text[RECIPIENT_ADDRESS_MAX];
        struct recipient_address address;
        struct recipient_hash hash;
        enum address_kind kind = i % 2 ? ADDRESS_SENDER : ADDRESS_RECIPIENT;
        get_hostile(i / 2, text);
        recipient_address_set(&address, slice_from_string(text), &exact);
        recipient_hash_get(&hash, &site, kind, &address);
        struct redis_key *key = &keys[count];
        redis_key_recipient(key, "pv:", kind, &hash, is_readable ? &address : NULL);
        for (size_t j = 0; j < count; j++)
            same += strcmp(keys[j].text, key->text) == 0;
        for (const char *c = strchr(key->text + 3, ':') + 1; *c; c++)
            unsafe += !isalnum((unsigned char)*c) && !strchr("%~._-", *c);
        unsafe += strlen(key->text) != key->length;
        count++;
    }
    const char *how = is_readable ? "readable" : "hashed";
    is_number(same, 0, how);
    is_number(unsafe, 0, "only harmless characters");
}

static void test_hash(void)
{
    struct recipient_site_key site, other;
    struct recipient_address address;
    struct recipient_hash hash, again;
    struct redis_key key;
    recipient_site_key_derive(&site, SLICE_LITERAL("a secret of this very site"));
    recipient_site_key_derive(&other, SLICE_LITERAL("a secret of another site!!"));
    recipient_address_set(&address, SLICE_LITERAL("Bob@example.org"), &folded);
    recipient_hash_get(&hash, &site, ADDRESS_RECIPIENT, &address);
    redis_key_recipient(&key, "pv:", ADDRESS_RECIPIENT, &hash, NULL);
    /* All hosts, and all versions, have to agree on it. */
    is_string(key.text, "pv:rcpt:280082a9abf584bce61f1508c02ea2c0", "hashed");
    redis_key_recipient(&key, "pv:", ADDRESS_SENDER, &hash, &address);
    is_string(key.text, "pv:sender:bob%40example.org", "readable");
    recipient_hash_get(&again, &other, ADDRESS_RECIPIENT, &address);
    ok(memcmp(&hash, &again, sizeof(hash)) != 0, "another site, another hash");
    recipient_hash_get(&again, &site, ADDRESS_SENDER, &address);
    ok(memcmp(&hash, &again, sizeof(hash)) != 0, "a sender is not a recipient");
    ok(memcmp(hash.bytes, hash.bytes + 8, 8) != 0, "the halves are independent");
}

int main(void)
{
    test_forms();
    test_sizes();
    test_parts();
    test_keys(false);
    test_keys(true);
    test_hash();
    return done_testing();
}
