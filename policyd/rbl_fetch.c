#include "policyd/rbl_fetch.h"

#include "common/memory.h"
#include "common/rbl_plan.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/count.h"
#include "policyd/rbl_lists.h"
#include "policyd/redis_text.h"
#include "policyd/store.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */

struct rbl_fetch {
    LIST_ENTRY(rbl_fetch) link; /* in its bucket */
    struct rbl_fetcher *fetcher;
    enum rbl_fetch_kind kind;
    size_t list;
    struct rbl_name_key key;
    struct redis_key redis_key;
    struct redis_async_request *redis_request; /* one of these two is on its way */
    struct dns_query *query;
    int64_t asked_ms;
    int64_t left_ms; /* of the value in Redis */
    LIST_HEAD(rbl_waiters, rbl_waiter) waiters;
    char name[DNSBL_NAME_SIZE];
};

LIST_HEAD(rbl_bucket, rbl_fetch);

struct rbl_fetcher {
    const struct rbl_settings *settings;
    struct rbl_lifetimes lifetimes;
    struct store *store;
    struct dns_resolver *resolver;
    struct rbl_lists *lists;
    struct rbl_cache *cache;
    size_t pending;
    struct rbl_bucket buckets[BUCKETS];
};

struct rbl_fetcher *rbl_fetcher_create(const struct rbl_settings *settings, struct store *store,
                                       struct dns_resolver *resolver, struct rbl_lists *lists,
                                       struct rbl_cache *cache)
{
    struct rbl_fetcher *fetcher = memory_allocate(1, sizeof(*fetcher));
    *fetcher = (struct rbl_fetcher){
        .settings = settings,
        .lifetimes = {settings->ttl_min_s, settings->ttl_max_s, settings->negative_ttl_max_s},
        .store = store,
        .resolver = resolver,
        .lists = lists,
        .cache = cache,
    };
    return fetcher;
}

/* The end of asking: nobody finds the fetch any more. */
static void take_down(struct rbl_fetch *fetch)
{
    if (fetch->redis_request)
        redis_async_forget(fetch->fetcher->store->redis, fetch);
    if (fetch->query)
        dns_resolver_cancel(fetch->query);
    LIST_REMOVE(fetch, link);
    fetch->fetcher->pending--;
}

void rbl_fetcher_free(struct rbl_fetcher *fetcher)
{
    if (!fetcher)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct rbl_fetch *fetch;
        while ((fetch = LIST_FIRST(&fetcher->buckets[i]))) {
            take_down(fetch);
            free(fetch);
        }
    }
    free(fetcher);
}

static void finish(struct rbl_fetch *fetch, const struct rbl_answer *answer, struct slice text,
                   bool is_new)
{
    struct rbl_waiter *waiter;
    take_down(fetch);
    while ((waiter = LIST_FIRST(&fetch->waiters))) {
        rbl_waiter_leave(waiter);
        waiter->callback(waiter, answer, text, is_new);
    }
    free(fetch);
}

static void finish_failed(struct rbl_fetch *fetch, enum rbl_failure failure)
{
    const struct rbl_answer answer = rbl_answer_failed(failure);
    finish(fetch, fetch->kind == RBL_FETCH_ANSWER ? &answer : NULL, SLICE_LITERAL(""), false);
}

/* -- the network -------------------------------------------------------------------------- */

struct rbl_answer rbl_answer_from_dns(enum dns_status status, const struct dns_answer *answer)
{
    if (status == DNS_ANSWERED)
        return rbl_answer_from_addresses(answer->addresses, answer->address_count);
    return rbl_answer_failed(status == DNS_TIMED_OUT ? RBL_FAILURE_TIMEOUT : RBL_FAILURE_ERROR);
}

static void write_answer(struct rbl_fetch *fetch, const struct rbl_answer *answer,
                         const struct slice *text, int64_t expire_s)
{
    char value[RBL_ANSWER_TEXT_MAX];
    struct slice formatted = {value, rbl_answer_format(answer, text, value)};
    if (formatted.length > 0)
        redis_text_write(fetch->fetcher->store->redis, redis_key_slice(&fetch->redis_key),
                         formatted, expire_s);
}

static bool is_for_known_good(const struct rbl_fetch *fetch)
{
    const struct rbl_waiter *waiter;
    LIST_FOREACH(waiter, &fetch->waiters, link)
    if (waiter->is_known_good)
        return true;
    return false;
}

static void on_answer(void *context, enum dns_status status, const struct dns_answer *dns)
{
    struct rbl_fetch *fetch = context;
    struct rbl_fetcher *fetcher = fetch->fetcher;
    int64_t now_ms = clock_monotonic_ms();
    const struct rbl_observation observation = {
        .answer = rbl_answer_from_dns(status, dns),
        .latency_ms = now_ms - fetch->asked_ms,
        .is_known_good = is_for_known_good(fetch),
    };
    fetch->query = NULL;
    int64_t lifetime_s = rbl_answer_lifetime_s(
        &observation.answer, status == DNS_ANSWERED ? dns->ttl_s : 0, &fetcher->lifetimes);
    if (lifetime_s > 0) {
        rbl_cache_put(fetcher->cache, &fetch->key, &observation.answer,
                      now_ms + lifetime_s * 1000);
        write_answer(fetch, &observation.answer, NULL, lifetime_s);
    }
    rbl_lists_observe(fetcher->lists, fetch->list, &observation, now_ms);
    finish(fetch, &observation.answer, SLICE_LITERAL(""), true);
}

static void on_text(void *context, enum dns_status status, const struct dns_answer *dns)
{
    struct rbl_fetch *fetch = context;
    struct rbl_fetcher *fetcher = fetch->fetcher;
    int64_t now_ms = clock_monotonic_ms();
    struct rbl_answer answer;
    char joined[RBL_TEXT_MAX];
    struct slice text = {joined, 0};

    fetch->query = NULL;
    if (status != DNS_ANSWERED) {
        finish_failed(fetch, RBL_FAILURE_ERROR);
        return;
    }
    for (size_t i = 0; i < dns->text_count; i++)
        text.length = rbl_text_append(joined, text.length, i == 0, dns->texts[i]);
    if (rbl_cache_get(fetcher->cache, &fetch->key, now_ms, &answer)) {
        int64_t lifetime_s = rbl_answer_lifetime_s(&answer, dns->ttl_s, &fetcher->lifetimes);
        rbl_cache_put_text(fetcher->cache, &fetch->key, text, now_ms + lifetime_s * 1000);
        write_answer(fetch, &answer, &text, 0);
    }
    finish(fetch, NULL, text, true);
}

static bool ask_network(struct rbl_fetch *fetch, enum rbl_failure *failure_r)
{
    struct rbl_fetcher *fetcher = fetch->fetcher;
    bool is_text = fetch->kind == RBL_FETCH_TEXT;
    fetch->asked_ms = clock_monotonic_ms();
    if (!is_text && !rbl_lists_allow_lookup(fetcher->lists, fetch->list, fetch->asked_ms)) {
        *failure_r = RBL_FAILURE_SKIPPED;
        return false;
    }
    fetch->query =
        dns_resolver_ask(fetcher->resolver, fetch->name, is_text ? DNS_TYPE_TXT : DNS_TYPE_A,
                         is_text ? on_text : on_answer, fetch);
    *failure_r = RBL_FAILURE_ERROR;
    if (fetch->query)
        COUNT(RBL_ANSWER_SOURCES, RBL_SOURCE_NETWORK);
    return fetch->query;
}

/* -- Redis -------------------------------------------------------------------------------- */

static bool take_value(struct rbl_fetch *fetch, struct slice value)
{
    struct rbl_fetcher *fetcher = fetch->fetcher;
    int64_t until_ms = clock_monotonic_ms() + fetch->left_ms;
    struct rbl_answer answer;
    struct slice text;
    bool has_text;
    if (!rbl_answer_parse(value, &answer, &text, &has_text))
        return false;
    rbl_cache_put(fetcher->cache, &fetch->key, &answer, until_ms);
    if (has_text)
        rbl_cache_put_text(fetcher->cache, &fetch->key, text, until_ms);
    COUNT(RBL_ANSWER_SOURCES, RBL_SOURCE_REDIS);
    finish(fetch, &answer, SLICE_LITERAL(""), false);
    return true;
}

/* First how long the value will be there: no longer is it good in memory. Then the value. */
static void on_redis(void *context, size_t index, const struct redis_reply *reply)
{
    struct rbl_fetch *fetch = context;
    int64_t longest_ms = fetch->fetcher->settings->ttl_max_s * 1000;
    enum rbl_failure failure;
    if (index == 0) {
        int64_t left_ms = reply ? reply->integer : 0; /* below 0: no value, or no expiry */
        fetch->left_ms = left_ms < 0 ? 0 : left_ms < longest_ms ? left_ms : longest_ms;
        return;
    }
    fetch->redis_request = NULL;
    if (reply && reply->type == REDIS_REPLY_IS_TEXT && take_value(fetch, reply->text))
        return;
    if (!ask_network(fetch, &failure))
        finish_failed(fetch, failure);
}

/* -- for everybody ------------------------------------------------------------------------ */

static struct rbl_fetch *find(struct rbl_bucket *bucket, const struct rbl_wanted *wanted)
{
    struct rbl_fetch *fetch;
    LIST_FOREACH(fetch, bucket, link)
    if (fetch->kind == wanted->kind &&
        memcmp(&fetch->key, &wanted->key, sizeof(fetch->key)) == 0)
        return fetch;
    return NULL;
}

static struct rbl_fetch *start(struct rbl_fetcher *fetcher, struct rbl_bucket *bucket,
                               const struct rbl_wanted *wanted, enum rbl_failure *failure_r)
{
    *failure_r = RBL_FAILURE_ERROR;
    if (fetcher->pending >= RBL_FETCHES_MAX)
        return NULL;
    struct rbl_fetch *fetch = memory_allocate(1, sizeof(*fetch));
    fetch->fetcher = fetcher;
    fetch->kind = wanted->kind;
    fetch->list = wanted->list;
    fetch->key = wanted->key;
    slice_copy_string(slice_from_string(wanted->name), fetch->name, sizeof(fetch->name));
    redis_key_rbl(&fetch->redis_key, fetcher->store->config->redis.prefix,
                  fetcher->settings->plan->lists[wanted->list].zone, wanted->subject);
    if (wanted->kind == RBL_FETCH_ANSWER)
        fetch->redis_request = redis_text_read(
            fetcher->store->redis, redis_key_slice(&fetch->redis_key), on_redis, fetch);
    if (!fetch->redis_request && !ask_network(fetch, failure_r)) {
        free(fetch);
        return NULL;
    }
    LIST_INSERT_HEAD(bucket, fetch, link);
    fetcher->pending++;
    return fetch;
}

bool rbl_fetch_join(struct rbl_fetcher *fetcher, const struct rbl_wanted *wanted,
                    struct rbl_waiter *waiter, rbl_waiter_callback *callback,
                    enum rbl_failure *failure_r)
{
    struct rbl_bucket *bucket = &fetcher->buckets[wanted->key.words[0] & (BUCKETS - 1)];
    struct rbl_fetch *fetch = find(bucket, wanted);
    if (fetch)
        COUNT(RBL_ANSWER_SOURCES, RBL_SOURCE_JOINED);
    else
        fetch = start(fetcher, bucket, wanted, failure_r);
    if (!fetch)
        return false;
    waiter->fetch = fetch;
    waiter->callback = callback;
    LIST_INSERT_HEAD(&fetch->waiters, waiter, link);
    return true;
}

void rbl_waiter_leave(struct rbl_waiter *waiter)
{
    if (!waiter->fetch)
        return;
    LIST_REMOVE(waiter, link);
    waiter->fetch = NULL;
}
