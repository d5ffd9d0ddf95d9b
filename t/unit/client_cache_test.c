#include "common/client_cache.h"

#include "t/unit/tap.h"

#define FRESH_MS 1000

static const uint8_t seed[SIPHASH_KEY_SIZE];
static enum history_state state;
static struct client_record record;

static struct client_key key_of(const char *text)
{
    struct address address;
    address_parse(slice_from_string(text), &address);
    return client_key_from_address(&address);
}

static void test_redis_answers(void)
{
    struct client_cache *cache = client_cache_create(16, FRESH_MS, seed);
    struct client_key key = key_of("192.0.2.1"), other = key_of("192.0.2.2");
    struct client_record known = {.first_seen_s = 5, .last_seen_s = 9, .counts = {3, 0, 1, 0}};

    ok(client_cache_get(cache, &key, 0, &state, &record) == L1_ABSENT, "absent");
    ok(state == HISTORY_MISSING, "nothing is known");
    client_cache_put(cache, &key, HISTORY_KNOWN, &known, 100);
    ok(client_cache_get(cache, &key, 100, &state, &record) == L1_FRESH, "fresh");
    ok(state == HISTORY_KNOWN && memcmp(&record, &known, sizeof(record)) == 0, "the record");
    client_cache_put(cache, &key, HISTORY_MISSING, NULL, 600);
    ok(client_cache_get(cache, &key, 1099, &state, &record) == L1_FRESH, "until it is old");
    ok(client_cache_get(cache, &key, 1100, &state, &record) == L1_STALE,
       "no answer did not make it younger");
    ok(state == HISTORY_KNOWN, "a stale record is a record");

    client_cache_put(cache, &other, HISTORY_NONE, NULL, 100);
    ok(client_cache_get(cache, &other, 200, &state, &record) == L1_FRESH, "no record is known");
    ok(state == HISTORY_NONE && record.first_seen_s == 0, "as none");
    client_cache_put(cache, &key, HISTORY_NONE, NULL, 200);
    client_cache_get(cache, &key, 200, &state, &record);
    ok(state == HISTORY_NONE && record.counts[EVIDENCE_ACCEPTED] == 0, "forgotten in Redis");
    client_cache_remove(cache, &key);
    ok(client_cache_get(cache, &key, 200, &state, &record) == L1_ABSENT, "removed");
    is_number(client_cache_count(cache), 1, "one left");
    client_cache_free(cache);
}

static void test_own_observations(void)
{
    struct client_cache *cache = client_cache_create(16, FRESH_MS, seed);
    struct client_key key = key_of("2001:db8::1"), same = key_of("2001:db8::2");
    struct session_outcome silent = {.counts = {0, 0, 1, 0}};

    client_cache_add(cache, &key, &silent, 1000);
    ok(client_cache_get(cache, &same, 1, &state, &record) == L1_STALE,
       "what only we saw is not fresh: Redis may know more");
    ok(state == HISTORY_KNOWN, "but counts while Redis is away");
    is_number(record.counts[EVIDENCE_SILENT], 1, "one /64 is one client");
    is_number(record.first_seen_s, 1000, "first seen");

    client_cache_put(cache, &key, HISTORY_NONE, NULL, 10);
    client_cache_add(cache, &key, &silent, 2000);
    ok(client_cache_get(cache, &key, 11, &state, &record) == L1_FRESH,
       "adding to a fresh record leaves it fresh");
    ok(state == HISTORY_KNOWN && record.counts[EVIDENCE_SILENT] == 1, "added");
    client_cache_free(cache);
}

static void test_merge(void)
{
    struct client_cache *cache = client_cache_create(16, FRESH_MS, seed);
    struct client_key key = key_of("192.0.2.1");
    struct client_record redis = {.first_seen_s = 500,
                                  .last_seen_s = 1000,
                                  .hung_up_at_s = 900,
                                  .shared_at_s = 800,
                                  .counts = {10, 0, 0, 0}};
    struct session_outcome silent = {.counts = {0, 0, 2, 0}};

    client_cache_merge(cache, &key, HISTORY_NONE, NULL, 0);
    client_cache_get(cache, &key, 0, &state, &record);
    ok(state == HISTORY_NONE, "nothing here: as put");
    client_cache_add(cache, &key, &silent, 1000);
    client_cache_merge(cache, &key, HISTORY_NONE, NULL, 2000);
    ok(client_cache_get(cache, &key, 2000, &state, &record) == L1_FRESH, "fresh");
    is_number(record.counts[EVIDENCE_SILENT], 2, "what Redis does not take is kept here");
    client_cache_merge(cache, &key, HISTORY_KNOWN, &redis, 4000);
    client_cache_get(cache, &key, 4000, &state, &record);
    is_number(record.counts[EVIDENCE_SILENT], 2, "the higher count of ours");
    is_number(record.counts[EVIDENCE_ACCEPTED], 10, "and of theirs");
    is_number(record.first_seen_s, 500, "the earlier first");
    is_number(record.hung_up_at_s, 900, "the later hang-up");
    is_number(record.shared_at_s, 800, "the later time it was shared");
    client_cache_merge(cache, &key, HISTORY_KNOWN, &redis, 5000);
    client_cache_get(cache, &key, 5000, &state, &record);
    is_number(record.counts[EVIDENCE_ACCEPTED], 10, "merging twice counts nothing twice");
    client_cache_free(cache);
}

int main(void)
{
    test_redis_answers();
    test_own_observations();
    test_merge();
    return done_testing();
}
