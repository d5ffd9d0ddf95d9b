#include "common/l1_store.h"

#include "t/unit/tap.h"

#include <stdlib.h>

static const uint8_t seed[SIPHASH_KEY_SIZE] = {0, 1, 2,  3,  4,  5,  6,  7,
                                               8, 9, 10, 11, 12, 13, 14, 15};

static void test_siphash(void)
{
    uint8_t input[15];
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    ok(siphash(seed, input, sizeof(input)) == 0xa129ca6149be45e5,
       "the example of the SipHash paper, appendix A");
    ok(siphash(seed, input, 8) != siphash(seed, input, 9), "the length counts");
    ok(siphash(seed, "", 0) == siphash(seed, NULL, 0), "nothing at all");
}

static struct slice text(const char *string)
{
    return slice_from_string(string);
}

static int get(struct l1_store *store, const char *key, int64_t now_ms,
               enum l1_result *result_r)
{
    void *value;
    *result_r = l1_store_get(store, text(key), now_ms, &value);
    return value ? *(int *)value : -1;
}

static void test_freshness(void)
{
    struct l1_store *store = l1_store_create(4, 8, sizeof(int), seed);
    enum l1_result result;
    int value = 7;

    is_number(get(store, "a", 0, &result), -1, "empty");
    ok(result == L1_ABSENT, "absent");
    ok(l1_store_put(store, text("a"), &value, 100), "put");
    is_number(get(store, "a", 99, &result), 7, "there");
    ok(result == L1_FRESH, "fresh");
    is_number(get(store, "a", 100, &result), 7, "still there");
    ok(result == L1_STALE, "but stale");
    value = 8;
    l1_store_put(store, text("a"), &value, 200);
    is_number(get(store, "a", 199, &result), 8, "replaced");
    ok(result == L1_FRESH, "and fresh again");
    is_number(l1_store_count(store), 1, "one entry");
    ok(l1_store_remove(store, text("a")), "removed");
    ok(!l1_store_remove(store, text("a")), "once");
    is_number(l1_store_count(store), 0, "none");
    struct l1_store_counters counters = l1_store_counters(store);
    ok(counters.fresh == 2 && counters.stale == 1 && counters.absent == 1, "counted");
    l1_store_free(store);
}

static void test_keys(void)
{
    struct l1_store *store = l1_store_create(4, 8, sizeof(int), seed);
    enum l1_result result;
    void *found;
    int value = 1;
    ok(!l1_store_put(store, text(""), &value, 1), "no empty key");
    ok(!l1_store_put(store, text("123456789"), &value, 1), "no key longer than key_max");
    ok(l1_store_get(store, text("123456789"), 0, &found) == L1_ABSENT, "nor is it found");
    ok(l1_store_put(store, text("12345678"), &value, 1), "as long as key_max");
    value = 2;
    l1_store_put(store, text("1234567"), &value, 1);
    is_number(get(store, "12345678", 0, &result), 1, "a key is not its prefix");
    value = 3;
    l1_store_put(store, (struct slice){"\0\0", 2}, &value, 1);
    ok(l1_store_get(store, (struct slice){"\0", 1}, 0, &found) == L1_ABSENT,
       "zeros are bytes like others");
    l1_store_free(store);
}

static void test_eviction(void)
{
    struct l1_store *store = l1_store_create(3, 8, sizeof(int), seed);
    enum l1_result result;
    int value = 1;
    l1_store_put(store, text("a"), &value, 1);
    l1_store_put(store, text("b"), &value, 1);
    l1_store_put(store, text("c"), &value, 1);
    get(store, "a", 0, &result);
    l1_store_put(store, text("d"), &value, 1);
    is_number(l1_store_count(store), 3, "never more than its capacity");
    get(store, "a", 0, &result);
    ok(result != L1_ABSENT, "an entry that was asked for stays");
    get(store, "b", 0, &result);
    ok(result == L1_ABSENT, "one that was not goes");
    is_number(l1_store_counters(store).evicted, 1, "evicted one");
    l1_store_free(store);
}

/* A flood of clients that come once must not push out those who come back. */
static void test_flood(void)
{
    enum { REGULARS = 200, CAPACITY = 1000, FLOOD = 100000 };
    struct l1_store *store = l1_store_create(CAPACITY, 8, sizeof(int), seed);
    enum l1_result result;
    char key[32];
    int kept = 0;

    for (int i = 0; i < FLOOD; i++) {
        snprintf(key, sizeof(key), "f%d", i);
        l1_store_put(store, text(key), &i, 1);
        snprintf(key, sizeof(key), "r%d", i % REGULARS);
        if (get(store, key, 0, &result) < 0)
            l1_store_put(store, text(key), &i, 1);
    }
    for (int i = 0; i < REGULARS; i++) {
        snprintf(key, sizeof(key), "r%d", i);
        kept += get(store, key, 0, &result) >= 0;
    }
    ok(kept == REGULARS, "%d of %d regulars are still there", kept, REGULARS);
    is_number(l1_store_count(store), CAPACITY, "full");
    l1_store_free(store);
}

/* All entries asked for: a put must still end, and soon. */
static void test_all_referenced(void)
{
    enum { CAPACITY = 1000 };
    struct l1_store *store = l1_store_create(CAPACITY, 8, sizeof(int), seed);
    enum l1_result result;
    char key[32];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < CAPACITY; i++) {
            snprintf(key, sizeof(key), "%d.%d", round, i);
            l1_store_put(store, text(key), &i, 1);
            get(store, key, 0, &result);
        }
    is_number(l1_store_counters(store).evicted, 2 * CAPACITY, "each put evicts one");
    l1_store_free(store);
}

/* Against a plain array, with keys that come and go. */
static void test_against_model(void)
{
    enum { KEYS = 64, STEPS = 20000 };
    struct l1_store *store = l1_store_create(KEYS, 8, sizeof(int), seed);
    int model[KEYS], wrong = 0;
    unsigned random = 1;
    char key[32];
    enum l1_result result;

    for (int i = 0; i < KEYS; i++)
        model[i] = -1;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245 + 12345;
        int which = (int)(random >> 8) % KEYS;
        snprintf(key, sizeof(key), "k%d", which);
        switch ((random >> 20) % 3) {
        case 0:
            l1_store_put(store, text(key), &step, 1);
            model[which] = step;
            break;
        case 1:
            wrong += l1_store_remove(store, text(key)) != (model[which] >= 0);
            model[which] = -1;
            break;
        default:
            wrong += get(store, key, 0, &result) != model[which];
        }
    }
    is_number(wrong, 0, "as a plain array would do");
    l1_store_free(store);
}

int main(void)
{
    test_siphash();
    test_freshness();
    test_keys();
    test_eviction();
    test_flood();
    test_all_referenced();
    test_against_model();
    return done_testing();
}
