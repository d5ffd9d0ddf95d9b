#include "policyd/rbl_lists.h"

#include "common/memory.h"
#include "common/rbl_plan.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/dns_resolver.h"
#include "policyd/rbl_fetch.h"
#include "policyd/rbl_share.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 500

enum test_point { POINT_LISTED, POINT_UNLISTED, POINT_CONTROL, POINT_COUNT };

/* The names of a list's test, on their way. */
struct rbl_test {
    struct rbl_lists *lists;
    size_t list;
    struct rbl_test_point {
        struct rbl_test *test;
        struct dns_query *query; /* NULL: none, or answered */
        struct rbl_answer answer;
    } points[POINT_COUNT];
};

struct rbl_lists {
    const struct rbl_settings *settings;
    struct dns_resolver *resolver;
    struct event *timer;
    struct rbl_share *share; /* NULL: not started */
    uint32_t tests;          /* how many were made */
    struct rbl_health health[RBL_LISTS_MAX];
    unsigned counted_as[RBL_LISTS_MAX]; /* value of the label */
    struct rbl_value value;
    struct rbl_test test[RBL_LISTS_MAX];
};

static const struct rbl_list *plan_list(const struct rbl_lists *lists, size_t list)
{
    return &lists->settings->plan->lists[list];
}

static void take_over(struct rbl_lists *lists, size_t list, const struct rbl_lists *before)
{
    const struct rbl_health_settings settings = lists->health[list].settings;
    for (size_t i = 0; i < before->settings->plan->list_count; i++) {
        if (strcmp(plan_list(before, i)->zone, plan_list(lists, list)->zone) != 0)
            continue;
        lists->health[list] = before->health[i];
        lists->health[list].settings = settings;
        lists->health[list].is_testing = false;
    }
}

struct rbl_lists *rbl_lists_create(const struct rbl_settings *settings,
                                   struct dns_resolver *resolver, struct rbl_lists *before)
{
    struct rbl_lists *lists = memory_allocate(1, sizeof(*lists));
    int64_t now_ms = clock_monotonic_ms();
    lists->settings = settings;
    lists->resolver = resolver;
    for (size_t i = 0; i < settings->plan->list_count; i++) {
        const struct rbl_list *list = plan_list(lists, i);
        const struct rbl_health_settings health_settings = {
            .has_test = list->listed_name[0] != '\0',
            .is_deny = list->has_reject,
            .test_interval_ms = settings->test_interval_s * 1000,
            .retry_ms = settings->retry_s * 1000,
        };
        rbl_health_init(&lists->health[i], &health_settings, now_ms);
        if (before)
            take_over(lists, i, before);
        lists->counted_as[i] = count_list(list->zone);
    }
    rbl_lists_free(before);
    return lists;
}

void rbl_lists_free(struct rbl_lists *lists)
{
    if (!lists)
        return;
    for (size_t i = 0; i < RBL_LISTS_MAX; i++)
        for (int point = 0; point < POINT_COUNT; point++)
            if (lists->test[i].points[point].query)
                dns_resolver_cancel(lists->test[i].points[point].query);
    if (lists->timer)
        event_free(lists->timer);
    rbl_share_free(lists->share);
    free(lists);
}

static void tell(struct rbl_lists *lists, size_t list, const struct rbl_event *event)
{
    if (event->text[0] == '\0')
        return;
    log_warning("policyd: %s", event->text);
    if (lists->share)
        rbl_share_event(lists->share, list, event->text);
}

/* -- tests -------------------------------------------------------------------------------- */

static bool is_test_done(const struct rbl_test *test)
{
    for (int point = 0; point < POINT_COUNT; point++)
        if (test->points[point].query)
            return false;
    return true;
}

static void finish_test(struct rbl_test *test)
{
    struct rbl_lists *lists = test->lists;
    struct rbl_event event = {""};
    const struct rbl_test_result result = {
        .listed = test->points[POINT_LISTED].answer,
        .unlisted = test->points[POINT_UNLISTED].answer,
        .control = test->points[POINT_CONTROL].answer,
        .has_control = plan_list(lists, test->list)->has_control,
    };
    rbl_health_test(&lists->health[test->list], plan_list(lists, test->list)->zone, &result,
                    clock_monotonic_ms(), &event);
    tell(lists, test->list, &event);
}

static void on_test_answer(void *context, enum dns_status status,
                           const struct dns_answer *answer)
{
    struct rbl_test_point *point = context;
    point->query = NULL;
    point->answer = rbl_answer_from_dns(status, answer);
    if (is_test_done(point->test))
        finish_test(point->test);
}

static void ask_point(struct rbl_test *test, enum test_point index, const char *name)
{
    struct rbl_test_point *point = &test->points[index];
    point->test = test;
    point->answer = rbl_answer_failed(RBL_FAILURE_ERROR);
    if (name[0] != '\0')
        point->query =
            dns_resolver_ask(test->lists->resolver, name, DNS_TYPE_A, on_test_answer, point);
}

static void make_test(struct rbl_lists *lists, size_t list)
{
    struct rbl_test *test = &lists->test[list];
    const struct rbl_list *names = plan_list(lists, list);
    char control[DNSBL_NAME_SIZE] = "";
    test->lists = lists;
    test->list = list;
    if (names->has_control)
        rbl_plan_control_name(names, (uint32_t)clock_wall_s() * 64 + lists->tests++, control);
    ask_point(test, POINT_LISTED, names->listed_name);
    ask_point(test, POINT_UNLISTED, names->unlisted_name);
    ask_point(test, POINT_CONTROL, control);
    if (is_test_done(test)) /* nothing could be asked */
        finish_test(test);
}

static void test_if_due(struct rbl_lists *lists, size_t list, int64_t now_ms)
{
    if (lists->timer && is_test_done(&lists->test[list]) &&
        rbl_health_begins_test(&lists->health[list], now_ms))
        make_test(lists, list);
}

static void on_tick(int fd, short events, void *context)
{
    struct rbl_lists *lists = context;
    int64_t now_ms = clock_monotonic_ms();
    (void)fd;
    (void)events;
    for (size_t i = 0; i < lists->settings->plan->list_count; i++)
        test_if_due(lists, i, now_ms);
    rbl_share_tick(lists->share, now_ms);
}

bool rbl_lists_start(struct rbl_lists *lists, struct event_base *base, struct store *store,
                     const char *host)
{
    const struct timeval interval = {TICK_MS / 1000, TICK_MS % 1000 * 1000};
    lists->share = rbl_share_create(lists->settings->plan, lists->health, &lists->value, store,
                                    host, false);
    lists->timer = event_new(base, -1, EV_PERSIST, on_tick, lists);
    return lists->timer && event_add(lists->timer, &interval) == 0;
}

void rbl_lists_start_spawned(struct rbl_lists *lists, struct store *store, const char *host)
{
    for (size_t i = 0; i < lists->settings->plan->list_count; i++)
        lists->health[i].settings.has_test = false;
    lists->share = rbl_share_create(lists->settings->plan, lists->health, &lists->value, store,
                                    host, true);
}

void rbl_lists_prepare(struct rbl_lists *lists, int64_t now_ms)
{
    if (lists->share && !lists->timer)
        rbl_share_tick(lists->share, now_ms);
}

/* -- lookups ------------------------------------------------------------------------------ */

bool rbl_lists_allow_lookup(struct rbl_lists *lists, size_t list, int64_t now_ms)
{
    return rbl_health_allows_lookup(&lists->health[list], now_ms);
}

bool rbl_lists_count(const struct rbl_lists *lists, size_t list)
{
    return rbl_health_counts(&lists->health[list]);
}

bool rbl_lists_want_trial(const struct rbl_lists *lists, size_t list, int64_t now_ms)
{
    return rbl_health_wants_trial(&lists->health[list], now_ms);
}

void rbl_lists_observe(struct rbl_lists *lists, size_t list,
                       const struct rbl_observation *observation, int64_t now_ms)
{
    struct rbl_event event = {""};
    enum counted_listing listing = counted_listing_of(&observation->answer);
    COUNT(RBL_ANSWERS, lists->counted_as[list], listing);
    if (listing != LISTING_FAILED && listing != LISTING_TIMED_OUT)
        OBSERVE(RBL_LATENCY, observation->latency_ms, lists->counted_as[list]);
    rbl_value_add_lookup(&lists->value, list, &observation->answer, observation->latency_ms);
    rbl_health_observe(&lists->health[list], plan_list(lists, list)->zone, observation, now_ms,
                       &event);
    tell(lists, list, &event);
    test_if_due(lists, list, now_ms); /* it may have become suspicious */
}

void rbl_lists_count_session(struct rbl_lists *lists, const struct rbl_involved *involved)
{
    rbl_value_add_client(&lists->value, lists->settings->plan->list_count, involved);
}

void rbl_lists_set_gauges(const struct rbl_lists *lists)
{
    for (size_t i = 0; i < lists->settings->plan->list_count; i++)
        SET_GAUGE(RBL_LIST_ON, rbl_lists_count(lists, i), lists->counted_as[i]);
}

const struct rbl_health *rbl_lists_health(const struct rbl_lists *lists, size_t list)
{
    return &lists->health[list];
}

const struct rbl_value *rbl_lists_value(const struct rbl_lists *lists)
{
    return &lists->value;
}
