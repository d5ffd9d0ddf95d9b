#include "common/postfix_verify_entry.h"
#include "t/unit/tap.h"

static const struct {
    const char *value;
    bool is_entry, is_result;
    struct postfix_verify_entry entry;
    const char *text;
} entries[] = {
    {"0:0:1795225947:250 2.0.0 Ok", true, true, {0, 0, 1795225947, {0}}, "250 2.0.0 Ok"},
    {"2:0:1795225947:550 5.1.1 <a@b>: no",
     true,
     true,
     {2, 0, 1795225947, {0}},
     "550 5.1.1 <a@b>: no"},
    {"1:0:1795225947:connect to x:25", true, true, {1, 0, 1795225947, {0}}, "connect to x:25"},
    {"3:1795225947:0:in progress", true, false, {3, 1795225947, 0, {0}}, "in progress"},
    {"0:1795226000:1795225947:Ok", true, false, {0, 1795226000, 1795225947, {0}}, "Ok"},
    {"0:0:1:", true, true, {0, 0, 1, {0}}, ""},
    {"0:0:0:nothing", false, false, {0}, ""},
    {"4:0:1:unknown status", false, false, {0}, ""},
    {"0:0:1", false, false, {0}, ""},
    {"0:-1:1:x", false, false, {0}, ""},
    {":0:1:x", false, false, {0}, ""},
    {" 0:0:1:x", false, false, {0}, ""},
    {"0:0:99999999999999999999:x", false, false, {0}, ""},
    {"", false, false, {0}, ""},
    {"1795225947;1795225947;0;0;0", false, false, {0}, ""}, /* postscreen(8) */
    {"1795225947", false, false, {0}, ""},                  /* when a cache was cleaned up */
};

static void test_entries(void)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct postfix_verify_entry entry = {0};
        ok(postfix_verify_entry_parse(slice_from_string(entries[i].value), &entry) ==
               entries[i].is_entry,
           "\"%s\"", entries[i].value);
        if (!entries[i].is_entry)
            continue;
        ok(entry.status == entries[i].entry.status &&
               entry.probed_s == entries[i].entry.probed_s &&
               entry.updated_s == entries[i].entry.updated_s &&
               slice_equals(entry.text, slice_from_string(entries[i].text)),
           "... what it says");
        ok(postfix_verify_entry_is_result(&entry) == entries[i].is_result, "... a result");
    }
}

static const struct {
    const char *key, *address; /* NULL: none */
} keys[] = {
    {"alice@example.test", "alice@example.test"},
    {"verify:alice@example.test", "alice@example.test"},
    {"a:b:alice@example.test", "alice@example.test"},
    {"gr\xc3\xbc@example.test", "gr\xc3\xbc@example.test"},
    {"a@b@example.test", "a@b@example.test"},
    {"alice", NULL},
    {"verify:", NULL},
    {"@example.test", NULL},
    {"alice@", NULL},
    {"alice@[IPv6_2001_db8__1]", NULL},
    {"verify:a_b@example.test", NULL},
    {"", NULL},
};

static void test_keys(void)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct slice address = {NULL, 0};
        ok(postfix_verify_key_address(slice_from_string(keys[i].key), &address) ==
                   (keys[i].address != NULL) &&
               slice_equals(address, slice_from_string(keys[i].address)),
           "address in \"%s\"", keys[i].key);
    }
}

static void test_cleanup(void)
{
    ok(postfix_cache_key_is_cleanup(SLICE_LITERAL("_LAST_CACHE_CLEANUP_COMPLETED_")) &&
           postfix_cache_key_is_cleanup(SLICE_LITERAL("verify:_LAST_CACHE_CLEANUP_COMPLETED_")),
       "when a cache was cleaned up");
    ok(!postfix_cache_key_is_cleanup(SLICE_LITERAL("verify:alice@example.test")) &&
           !postfix_cache_key_is_cleanup(SLICE_LITERAL("_LAST_CACHE_CLEANUP_COMPLETED_@a")) &&
           !postfix_cache_key_is_cleanup(SLICE_LITERAL("")),
       "others are not");
}

int main(void)
{
    test_entries();
    test_keys();
    test_cleanup();
    return done_testing();
}
