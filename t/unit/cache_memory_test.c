#include "common/cache_memory.h"
#include "t/unit/tap.h"

static const uint8_t seed[SIPHASH_KEY_SIZE];

static struct recipient_hash key_of(const char *text)
{
    static const struct recipient_site_key site_key;
    struct recipient_hash key;
    recipient_hash_bytes(&key, &site_key, 'c', slice_from_string(text));
    return key;
}

static bool has(struct cache_memory *memory, const char *key_text, int64_t now_ms,
                const char *value)
{
    struct recipient_hash key = key_of(key_text);
    const struct cache_entry *entry = cache_memory_get(memory, &key, now_ms);
    return value ? entry && slice_equals(cache_entry_value(entry), slice_from_string(value))
                 : !entry;
}

static void test_entries(void)
{
    struct cache_memory *memory = cache_memory_create(16, seed);
    struct recipient_hash key = key_of("k"), other = key_of("l");
    static char big[CACHE_MEMORY_VALUE_MAX + 1];

    uint64_t first = cache_memory_put(memory, &key, 7, SLICE_LITERAL("one"), 2000, true);
    ok(has(memory, "k", 1999, "one") && has(memory, "l", 1999, NULL), "there");
    ok(cache_memory_get(memory, &key, 0)->flags == 7 &&
           cache_memory_get(memory, &key, 0)->expires_ms == 2000,
       "... with flags and expiry");
    ok(has(memory, "k", 2000, NULL), "expired");

    uint64_t second = cache_memory_put(memory, &key, 0, SLICE_LITERAL("two"), 2000, true);
    cache_memory_written(memory, &key, first);
    ok(cache_memory_get(memory, &key, 0)->is_unwritten, "written is what was there before");
    cache_memory_written(memory, &key, second);
    ok(!cache_memory_get(memory, &key, 0)->is_unwritten, "written");
    cache_memory_written(memory, &other, second);

    cache_memory_put(memory, &key, 0, (struct slice){big, sizeof(big)}, 2000, true);
    ok(has(memory, "k", 0, NULL), "a long value is not kept, nor is the old one");
    cache_memory_put(memory, &key, 0, (struct slice){big, sizeof(big) - 1}, 2000, true);
    ok(cache_memory_get(memory, &key, 0)->length == CACHE_MEMORY_VALUE_MAX, "the longest");
    cache_memory_put(memory, &key, 0, SLICE_LITERAL(""), 2000, true);
    ok(has(memory, "k", 0, ""), "an empty one");

    ok(cache_memory_remove(memory, &key, 0), "removed");
    ok(has(memory, "k", 0, NULL) && !cache_memory_remove(memory, &key, 0), "... and gone");
    cache_memory_put(memory, &key, 0, SLICE_LITERAL("x"), 2000, true);
    ok(!cache_memory_remove(memory, &key, 2000), "expired ones are not there to be removed");
    cache_memory_free(memory);
    cache_memory_free(NULL);
}

static void test_keys(void)
{
    static const char *const texts[] = {
        "verify:alice@example.test",     "verify:Alice@example.test",
        "verify:alice@example.test\x01", "verify:gr\xc3\xbc@example.test",
        "verify:gr\xfc@example.test",    "postscreen:127.0.0.1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct recipient_hash key = key_of(texts[i]);
        for (size_t k = 0; k < i; k++) {
            struct recipient_hash other = key_of(texts[k]);
            ok(memcmp(&key, &other, sizeof(key)) != 0, "keys %zu and %zu differ", i, k);
        }
    }
    static char long_key[RECIPIENT_HASH_BYTES_MAX];
    const struct recipient_site_key site_key = {{1}};
    struct recipient_hash key, other;
    memset(long_key, 'k', sizeof(long_key));
    recipient_hash_bytes(&key, &site_key, 'c', (struct slice){long_key, sizeof(long_key)});
    long_key[sizeof(long_key) - 1] = 'l';
    recipient_hash_bytes(&other, &site_key, 'c', (struct slice){long_key, sizeof(long_key)});
    ok(memcmp(&key, &other, sizeof(key)) != 0, "the last byte of the longest key counts");
    recipient_hash_bytes(&key, &site_key, 'd', (struct slice){long_key, sizeof(long_key)});
    ok(memcmp(&key, &other, sizeof(key)) != 0, "the kind counts");
}

static void test_stored(void)
{
    static const struct {
        const char *text, *value; /* NULL: none */
        uint32_t flags;
    } cases[] = {
        {"0 value", "value", 0}, {"4294967295 a b", "a b", UINT32_MAX},
        {"0 ", "", 0},           {"4294967296 value", NULL, 0},
        {" value", NULL, 0},     {"value", NULL, 0},
        {"", NULL, 0},
    };
    char out[CACHE_FLAGS_SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t flags = 0;
        struct slice value = {NULL, 0};
        ok(cache_parse_stored(slice_from_string(cases[i].text), &flags, &value) ==
                   (cases[i].value != NULL) &&
               flags == cases[i].flags &&
               slice_equals(value, slice_from_string(cases[i].value)),
           "\"%s\" in Redis", cases[i].text);
    }
    is_number(cache_format_flags(UINT32_MAX, out), 11, "the largest flags");
    is_string(out, "4294967295 ", "... in Redis");
}

int main(void)
{
    test_entries();
    test_keys();
    test_stored();
    return done_testing();
}
