#include "common/rbl_health.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define SECOND 1000

static struct rbl_health health;
static struct rbl_event event;
static int64_t now_ms;

static const uint32_t code[] = {0x7f000002}, loopback[] = {0x7f000001}, quota[] = {0x7fffffff},
                      outside[] = {0xcb007107};

#define listed()     rbl_answer_from_addresses(code, 1)
#define not_listed() rbl_answer_from_addresses(NULL, 0)

static void init(bool has_test)
{
    const struct rbl_health_settings settings = {has_test, true, 300 * SECOND, 60 * SECOND};
    now_ms = 1000000;
    rbl_health_init(&health, &settings, now_ms);
}

static void feed_client(struct rbl_answer answer, bool is_known_good)
{
    const struct rbl_observation observation = {answer, 20, is_known_good};
    rbl_health_observe(&health, "a.example", &observation, now_ms, &event);
}

/* Until something happens, at most count times, step_ms apart; how often. */
static int feed(struct rbl_answer answer, int count, int64_t step_ms)
{
    event.text[0] = '\0';
    for (int i = 1; i <= count; i++) {
        now_ms += step_ms;
        feed_client(answer, false);
        if (event.text[0])
            return i;
    }
    return count;
}

/* Ordinary traffic: one of four is listed. */
static void feed_traffic(int count, int64_t step_ms)
{
    for (int i = 0; i < count; i++)
        feed(i % 4 ? not_listed() : listed(), 1, step_ms);
}

static struct rbl_test_result good_test(void)
{
    return (struct rbl_test_result){listed(), not_listed(), not_listed(), true};
}

static void report_test(struct rbl_test_result result)
{
    rbl_health_test(&health, "a.example", &result, now_ms, &event);
}

static bool is_event(const char *expected)
{
    return is_string(event.text, expected, "event");
}

static void is_state(enum rbl_health_state state, enum rbl_health_reason reason)
{
    ok(health.state == state && health.reason == reason &&
           rbl_health_counts(&health) == (state == RBL_HEALTH_ON),
       "is %s because of %s", rbl_health_state_name(health.state),
       rbl_health_reason_name(health.reason));
}

static void test_healthy(void)
{
    init(false);
    ok(rbl_health_next_ms(&health) == INT64_MAX && !rbl_health_begins_test(&health, now_ms),
       "no tests");
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    for (int i = 0; i < 2000; i++) {
        if (!rbl_health_allows_lookup(&health, now_ms))
            abort();
        feed(i % 10 == 9 ? rbl_answer_failed(RBL_FAILURE_TIMEOUT)
             : i % 3     ? not_listed()
                         : listed(),
             1, 100);
        if (event.text[0])
            break;
    }
    is_event("");
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    ok(health.hit_rate > 0.2 && health.hit_rate < 0.5, "hit rate %f", health.hit_rate);
    is_number(health.latency_ms, 20, "latency");
    ok(health.lookups == 2000 && health.timeouts == 200 &&
           health.listed + health.not_listed == 1800,
       "counters");
    feed(rbl_answer_failed(RBL_FAILURE_SKIPPED), 50, 1);
    feed((struct rbl_answer){0}, 50, 1);
    ok(health.lookups == 2000 && health.state == RBL_HEALTH_ON,
       "what was not asked says nothing");
}

static void test_errors(void)
{
    init(false);
    is_number(feed(rbl_answer_failed(RBL_FAILURE_TIMEOUT), 99, 10), 5,
              "five timeouts in a row");
    is_event("list a.example is not used: 5 of the last 5 lookups failed; next try in 5 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_ERRORS);
    ok(!rbl_health_allows_lookup(&health, now_ms + 4999), "not asked for 5 s");
    feed(rbl_answer_failed(RBL_FAILURE_TIMEOUT), 3, 10); /* were under way */
    feed(listed(), 1, 10);
    is_event("");
    is_state(RBL_HEALTH_OFF, RBL_REASON_ERRORS);

    now_ms += 5 * SECOND;
    ok(rbl_health_allows_lookup(&health, now_ms), "then one lookup is a trial");
    is_state(RBL_HEALTH_TRIAL, RBL_REASON_ERRORS);
    ok(!rbl_health_allows_lookup(&health, now_ms), "... one only");
    ok(rbl_health_allows_lookup(&health, now_ms + 2000), "... another when nobody reports");
    feed(rbl_answer_failed(RBL_FAILURE_ERROR), 1, 10);
    is_event("");
    is_state(RBL_HEALTH_OFF, RBL_REASON_ERRORS);
    ok(!rbl_health_allows_lookup(&health, now_ms + 9999), "the next time off is longer");
    now_ms += 10 * SECOND;
    ok(rbl_health_allows_lookup(&health, now_ms), "another trial");
    feed(not_listed(), 1, 10);
    is_event("list a.example is used again, after 15 s");
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);

    for (int i = 0; i < 10; i++) {
        feed(rbl_answer_failed(RBL_FAILURE_ERROR), 5, 10);
        now_ms += 60 * SECOND;
        rbl_health_allows_lookup(&health, now_ms);
    }
    is_number(health.retry_ms, 60 * SECOND, "time off does not grow for ever");
    feed(not_listed(), 1, 10);
    now_ms += 600 * SECOND;
    feed(rbl_answer_failed(RBL_FAILURE_ERROR), 5, 10);
    is_number(health.retry_ms, 5 * SECOND, "... and is short again after ten good minutes");

    init(false);
    int failures = 0;
    for (int i = 0; i < 40 && health.state == RBL_HEALTH_ON; i++) {
        feed(i % 2 ? rbl_answer_failed(RBL_FAILURE_ERROR) : not_listed(), 1, 10);
        failures += i % 2;
    }
    is_number(failures, 10, "half of the last twenty");
    is_event("list a.example is not used: 10 of the last 20 lookups failed; next try in 5 s");
}

static void test_refused(void)
{
    struct rbl_answer refusal = rbl_answer_from_addresses(quota, 1);
    init(false);
    is_number(feed(refusal, 1, 10), 1, "a refusal");
    is_event("list a.example answers 127.255.255.255, which does not count: it refuses us "
             "because of too many queries: its free use is over");
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    feed(not_listed(), 1, 10);
    is_number(feed(refusal, 99, 10), 3, "three in a row, said once");
    is_event("list a.example is not used: it refuses us because of too many queries: its free "
             "use is over; next try in 60 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_REFUSED);
    now_ms += 60 * SECOND;
    ok(rbl_health_allows_lookup(&health, now_ms), "a trial");
    feed(refusal, 1, 10);
    is_event("");
    is_number(health.retry_ms, 120 * SECOND, "still refused");
    now_ms += 120 * SECOND;
    ok(rbl_health_allows_lookup(&health, now_ms), "another trial");
    feed(listed(), 1, 10);
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);

    init(false);
    feed(rbl_answer_from_addresses(outside, 1), 1, 10);
    feed(rbl_answer_from_addresses(outside, 1), 2, 10);
    is_state(RBL_HEALTH_OFF, RBL_REASON_REFUSED);
    init(false);
    is_number(feed(rbl_answer_from_addresses(loopback, 1), 1, 10), 1, "127.0.0.1");
    ok(strstr(event.text, "127.0.0.1, which does not count") != NULL, "... is told");
    is_number(feed(rbl_answer_from_addresses(loopback, 1), 100, 10), 100, "... once");
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    is_number(feed(rbl_answer_from_addresses(loopback, 1), 2, 3600 * SECOND), 1,
              "... and an hour later");
}

/* Without test points: by the numbers alone. */
static void test_everybody_by_numbers(void)
{
    init(false);
    feed_traffic(400, 50);
    int count = feed(listed(), 99, 50);
    ok(count <= 20, "off within 20 lookups: %d", count);
    is_event("list a.example is not used: it listed the last 20 clients, before that 25 %; "
             "next try in 60 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
    ok(health.hit_rate < 0.3, "the usual share is remembered");

    now_ms += 60 * SECOND;
    for (int i = 0; i < 8; i++) {
        ok(rbl_health_allows_lookup(&health, now_ms), "trial %d", i);
        feed(listed(), 1, 10);
    }
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
    is_number(health.retry_ms, 120 * SECOND, "... still lists everybody");
    now_ms += 120 * SECOND;
    rbl_health_allows_lookup(&health, now_ms);
    feed(rbl_answer_failed(RBL_FAILURE_TIMEOUT), 1, 10);
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
    now_ms += 3600 * SECOND;
    rbl_health_allows_lookup(&health, now_ms);
    feed(listed(), 1, 10);
    is_state(RBL_HEALTH_TRIAL, RBL_REASON_EVERYBODY);
    ok(rbl_health_allows_lookup(&health, now_ms), "an answer makes room for the next");
    feed(not_listed(), 1, 10);
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);

    init(false);
    is_number(feed(listed(), 99, 1), 20, "from the start: twenty too");
}

/* Where nearly everybody is a bot anyway, twenty in a row say nothing. */
static void test_many_bots(void)
{
    init(false);
    for (int i = 0; i < 2000; i++)
        feed(i % 10 ? listed() : not_listed(), 1, 50);
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    feed(not_listed(), 1, 50);
    int count = feed(listed(), 1000, 50);
    ok(count > 100 && count < 200, "a run that is improbable even so: %d", count);
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
}

static void test_good_clients(void)
{
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    for (int i = 0; i < 5; i++) {
        feed(not_listed(), 3, 10);
        feed_client(listed(), true);
    }
    is_event("list a.example is not used: it listed the last 5 clients that have a good "
             "history; next try in 60 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);

    const struct rbl_health_settings allow_list = {false, false, 300 * SECOND, 60 * SECOND};
    rbl_health_init(&health, &allow_list, now_ms);
    for (int i = 0; i < 15; i++)
        feed_client(listed(), true);
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
}

static void test_tests(void)
{
    init(true);
    rbl_health_hear(&health, true);
    ok(!rbl_health_counts(&health) && !rbl_health_allows_lookup(&health, now_ms), "said off");
    rbl_health_hear(&health, false);
    ok(rbl_health_counts(&health) && rbl_health_allows_lookup(&health, now_ms), "on again");
    is_number(rbl_health_next_ms(&health), now_ms, "the first test at once");
    ok(rbl_health_begins_test(&health, now_ms), "... begins");
    ok(!rbl_health_begins_test(&health, now_ms + 29999), "... once");
    is_number(rbl_health_next_ms(&health), now_ms + 30000, "... is lost after 30 s");
    report_test(good_test());
    is_event("");
    is_number(rbl_health_next_ms(&health), now_ms + 300 * SECOND,
              "the next after the interval");

    now_ms += 300 * SECOND;
    ok(rbl_health_begins_test(&health, now_ms), "the second test");
    struct rbl_test_result result = good_test();
    result.unlisted = listed();
    report_test(result);
    is_event("list a.example is not used: it lists a test point that nobody may list; next try "
             "in 60 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
    now_ms += 60 * SECOND;
    ok(!rbl_health_allows_lookup(&health, now_ms), "no trial: the test decides");
    ok(rbl_health_begins_test(&health, now_ms), "... which is due");
    result = good_test();
    result.control = listed();
    report_test(result);
    is_event("");
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
    is_number(rbl_health_next_ms(&health), now_ms + 120 * SECOND, "the next one later");
    now_ms += 120 * SECOND;
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    is_event("list a.example is used again, after 180 s");
    is_number(rbl_health_next_ms(&health), now_ms + 300 * SECOND, "back to the interval");
}

static void test_nobody(void)
{
    struct rbl_test_result result = good_test();
    result.listed = not_listed();
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(result);
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    is_number(rbl_health_next_ms(&health), now_ms + 5 * SECOND, "a second look soon");
    now_ms += 5 * SECOND;
    rbl_health_begins_test(&health, now_ms);
    report_test(result);
    is_event("list a.example is not used: it does not list the test point that it should; next "
             "try in 60 s");
    is_state(RBL_HEALTH_OFF, RBL_REASON_NOBODY);
    now_ms += 60 * SECOND;
    rbl_health_begins_test(&health, now_ms);
    report_test(result);
    is_state(RBL_HEALTH_OFF, RBL_REASON_NOBODY);
    now_ms += 120 * SECOND;
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
}

static void test_tests_that_fail(void)
{
    struct rbl_test_result result = good_test();
    result.control = rbl_answer_failed(RBL_FAILURE_TIMEOUT);
    init(true);
    for (int i = 0; i < 5; i++) {
        is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
        ok(rbl_health_begins_test(&health, now_ms), "test %d", i);
        report_test(result);
        now_ms = rbl_health_next_ms(&health);
    }
    is_state(RBL_HEALTH_OFF, RBL_REASON_ERRORS);
    ok(rbl_health_begins_test(&health, now_ms), "tried again when its time off is over");
    report_test(good_test());
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);

    result.control = rbl_answer_from_addresses(quota, 1);
    for (int i = 0; i < 3; i++) {
        now_ms = rbl_health_next_ms(&health);
        ok(rbl_health_begins_test(&health, now_ms), "test %d", i);
        report_test(result);
    }
    is_state(RBL_HEALTH_OFF, RBL_REASON_REFUSED);
    now_ms = rbl_health_next_ms(&health);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
}

/* The list turns wildcard in the middle of traffic; a test is made when it is due. */
static void test_everybody_with_test(void)
{
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    feed_traffic(400, 100);
    int64_t began_ms = now_ms;
    int count = 0;
    struct rbl_test_result wildcard = good_test();
    wildcard.unlisted = wildcard.control = listed();
    while (health.state == RBL_HEALTH_ON && count < 1000) {
        feed(listed(), 1, 100);
        count++;
        if (rbl_health_begins_test(&health, now_ms))
            report_test(wildcard);
    }
    ok(count <= 20 || now_ms - began_ms <= 10 * SECOND, "off after %d lookups", count);
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);

    /* also when the resolver still has the old answer for the test point */
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    feed_traffic(400, 100);
    wildcard.unlisted = not_listed();
    for (count = 0; health.state == RBL_HEALTH_ON && count < 1000; count++) {
        feed(listed(), 1, 100);
        if (rbl_health_begins_test(&health, now_ms))
            report_test(wildcard);
    }
    ok(count <= 20, "off after %d lookups", count);
}

/* A test that has just been made does not delay the next one beyond ten seconds. */
static void test_suspicion_after_test(void)
{
    init(true);
    feed_traffic(400, 100);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    int64_t began_ms = now_ms;
    struct rbl_test_result wildcard = good_test();
    wildcard.control = listed();
    for (int i = 0; health.state == RBL_HEALTH_ON && i < 10000; i++) {
        feed(listed(), 1, 5);
        if (rbl_health_begins_test(&health, now_ms))
            report_test(wildcard);
    }
    ok(now_ms - began_ms <= 10 * SECOND, "off after %lld ms", (long long)(now_ms - began_ms));
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);
}

/* An attack: everybody is listed, and rightly so. */
static void test_attack(void)
{
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    feed_traffic(400, 100);
    int tests = 0, events = 0;
    for (int i = 0; i < 20000; i++) {
        feed(listed(), 1, 5);
        events += event.text[0] != '\0';
        if (rbl_health_begins_test(&health, now_ms)) {
            tests++;
            report_test(good_test());
        }
    }
    is_state(RBL_HEALTH_ON, RBL_REASON_NONE);
    ok(tests >= 10 && tests <= 22, "%d tests in 100 s", tests);
    is_number(events, 1, "said once");

    /* the tests get no answer */
    init(true);
    feed_traffic(400, 100);
    rbl_health_begins_test(&health, now_ms);
    int64_t began_ms = now_ms;
    feed(listed(), 100000, 5);
    ok(now_ms - began_ms > 8 * SECOND && now_ms - began_ms <= 10 * SECOND,
       "without an answer it is off after %lld ms", (long long)(now_ms - began_ms));
    is_state(RBL_HEALTH_OFF, RBL_REASON_EVERYBODY);

    /* test points of its own, so there are no fresh names */
    init(true);
    feed_traffic(400, 100);
    began_ms = now_ms;
    struct rbl_test_result result = good_test();
    result.has_control = false;
    for (int i = 0; health.state == RBL_HEALTH_ON && i < 100000; i++) {
        feed(listed(), 1, 5);
        if (rbl_health_begins_test(&health, now_ms))
            report_test(result);
    }
    ok(now_ms - began_ms <= 10 * SECOND, "old names are no proof");
}

static void test_suspect(void)
{
    init(true);
    rbl_health_begins_test(&health, now_ms);
    report_test(good_test());
    now_ms += 100 * SECOND;
    rbl_health_suspect(&health, now_ms);
    ok(rbl_health_begins_test(&health, now_ms), "a hint from elsewhere: a test at once");
    report_test(good_test());
    rbl_health_suspect(&health, now_ms);
    ok(!rbl_health_begins_test(&health, now_ms), "... but not one after the other");
}

static void collect(void *context, const char *name, const char *value)
{
    char *text = context;
    size_t length = strlen(text);
    snprintf(text + length, 512 - length, "%s=%s ", name, value);
}

static void test_describe(void)
{
    char text[512] = "";
    init(false);
    feed(not_listed(), 1, 10);
    feed(rbl_answer_failed(RBL_FAILURE_TIMEOUT), 3, 10);
    feed(rbl_answer_failed(RBL_FAILURE_ERROR), 2, 10);
    now_ms += 2500;
    rbl_health_describe(&health, now_ms, collect, text);
    is_string(text,
              "state=off reason=errors since_s=2 retry_in_s=3 hit_percent=0 latency_ms=20 "
              "lookups=6 listed=0 not_listed=1 refused=0 errors=2 timeouts=3 ",
              "fields");
}

int main(void)
{
    test_healthy();
    test_errors();
    test_refused();
    test_everybody_by_numbers();
    test_many_bots();
    test_good_clients();
    test_tests();
    test_nobody();
    test_tests_that_fail();
    test_everybody_with_test();
    test_suspicion_after_test();
    test_attack();
    test_suspect();
    test_describe();
    return done_testing();
}
