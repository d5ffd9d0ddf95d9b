#include "common/rbl_health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FAILURES_IN_ROW     5
#define FAILURE_WINDOW      20
#define FAILURE_SHARE       10 /* of the window */
#define REFUSALS_IN_ROW     3
#define GOOD_RUN            5
#define RUN_SUSPICIOUS      10
#define RUN_MIN             20
#define RUN_CHANCE          1e-6
#define RATE_DEFAULT        0.5 /* share of listed clients while it is not known */
#define RATE_MAX            0.98
#define RATE_KNOWN          50  /* lookups after which it is */
#define RATE_MEMORY         256 /* lookups */
#define LATENCY_MEMORY      16  /* lookups */
#define TESTS_NOT_LISTED    2
#define TRIAL_LISTED        8 /* lookups that a list which listed everybody may list again */
#define TRIAL_PAUSE_MS      2000
#define TEST_PAUSE_MS       5000  /* between tests on suspicion */
#define TEST_PAUSE_NEW_MS   1000  /* ... when the suspicion is new */
#define TEST_WAIT_MS        9000  /* how long a suspicion waits for its test */
#define TEST_LIMIT_MS       30000 /* a test that has not been reported is lost */
#define TEST_RETRY_MS       30000 /* after one without a result */
#define PASS_FRESH_MS       60000
#define NOTICE_PAUSE_MS     3600000
#define FORGIVEN_AFTER_MS   600000 /* on for so long: the next time off is a short one again */
#define ERRORS_RETRY_MS     5000
#define ERRORS_RETRY_MAX_MS 60000
#define RETRY_MAX_MS        3600000

static const char *const state_names[] = {
    [RBL_HEALTH_ON] = "on", [RBL_HEALTH_OFF] = "off", [RBL_HEALTH_TRIAL] = "trial"};
static const char *const reason_names[RBL_REASON_COUNT] = {
    [RBL_REASON_NONE] = "none",       [RBL_REASON_ERRORS] = "errors",
    [RBL_REASON_REFUSED] = "refused", [RBL_REASON_EVERYBODY] = "everybody",
    [RBL_REASON_NOBODY] = "nobody",
};

/* A list that is fed with something. */
struct feed {
    struct rbl_health *health;
    const char *zone;
    int64_t now_ms;
    struct rbl_event *event;
};

static struct feed begin(struct rbl_health *health, const char *zone, int64_t now_ms,
                         struct rbl_event *event)
{
    event->text[0] = '\0';
    return (struct feed){health, zone, now_ms, event};
}

static void forget_lookups(struct rbl_health *health)
{
    health->failures = 0;
    health->failures_size = 0;
    health->failures_in_row = 0;
    health->refusals_in_row = 0;
    health->run = 0;
    health->good_run = 0;
    health->tests_not_listed = 0;
    health->trial_listed = 0;
}

void rbl_health_init(struct rbl_health *health, const struct rbl_health_settings *settings,
                     int64_t now_ms)
{
    *health = (struct rbl_health){.settings = *settings,
                                  .since_ms = now_ms,
                                  .test_at_ms = now_ms,
                                  .hit_rate = RATE_DEFAULT};
}

static void turn_on(const struct feed *feed)
{
    struct rbl_health *health = feed->health;
    snprintf(feed->event->text, sizeof(feed->event->text),
             "list %s is used again, after %lld s", feed->zone,
             (long long)(feed->now_ms - health->since_ms) / 1000);
    health->state = RBL_HEALTH_ON;
    health->reason = RBL_REASON_NONE;
    health->since_ms = feed->now_ms;
    forget_lookups(health);
}

static void turn_off(const struct feed *feed, enum rbl_health_reason reason, const char *why)
{
    struct rbl_health *health = feed->health;
    bool was_on = health->state == RBL_HEALTH_ON;
    bool is_forgiven = was_on && feed->now_ms - health->since_ms >= FORGIVEN_AFTER_MS;
    bool is_failing = reason == RBL_REASON_ERRORS;
    int64_t first_ms = is_failing ? ERRORS_RETRY_MS : health->settings.retry_ms;
    int64_t longest_ms = is_failing ? ERRORS_RETRY_MAX_MS : RETRY_MAX_MS;
    int64_t retry_ms = is_forgiven ? 0 : 2 * health->retry_ms;
    if (retry_ms < first_ms)
        retry_ms = first_ms;
    if (retry_ms > longest_ms)
        retry_ms = longest_ms;
    if (was_on) {
        snprintf(feed->event->text, sizeof(feed->event->text),
                 "list %s is not used: %s; next try in %lld s", feed->zone, why,
                 (long long)retry_ms / 1000);
        health->since_ms = feed->now_ms;
    }
    /* A list that listed everybody has to show that it does not any more, whatever happens to
     * the attempts to ask it. */
    if (was_on || health->reason != RBL_REASON_EVERYBODY)
        health->reason = reason;
    if (was_on && health->run > 0)
        health->hit_rate = health->run_rate;
    health->state = RBL_HEALTH_OFF;
    health->retry_ms = retry_ms;
    health->retry_at_ms = health->test_at_ms = feed->now_ms + retry_ms;
    forget_lookups(health);
}

bool rbl_health_wants_trial(const struct rbl_health *health, int64_t now_ms)
{
    int64_t from_ms =
        health->state == RBL_HEALTH_OFF ? health->retry_at_ms : health->trial_at_ms;
    return health->state != RBL_HEALTH_ON && !health->settings.has_test &&
           !health->is_said_off && now_ms >= from_ms;
}

bool rbl_health_allows_lookup(struct rbl_health *health, int64_t now_ms)
{
    if (rbl_health_counts(health))
        return true;
    if (!rbl_health_wants_trial(health, now_ms))
        return false;
    health->state = RBL_HEALTH_TRIAL;
    health->trial_at_ms = now_ms + TRIAL_PAUSE_MS;
    return true;
}

bool rbl_health_counts(const struct rbl_health *health)
{
    return health->state == RBL_HEALTH_ON && !health->is_said_off;
}

static void note_failure(struct rbl_health *health, bool has_failed)
{
    health->failures = (health->failures << 1 | has_failed) & ((1U << FAILURE_WINDOW) - 1);
    if (health->failures_size < FAILURE_WINDOW)
        health->failures_size++;
    health->failures_in_row = has_failed ? health->failures_in_row + 1 : 0;
}

static void observe_failure(const struct feed *feed)
{
    struct rbl_health *health = feed->health;
    char why[96];
    note_failure(health, true);
    int failed = __builtin_popcount(health->failures);
    bool is_off = health->failures_in_row >= FAILURES_IN_ROW || failed >= FAILURE_SHARE;
    if (health->state == RBL_HEALTH_ON && !is_off)
        return;
    snprintf(why, sizeof(why), "%d of the last %u lookups failed", failed,
             health->failures_size);
    turn_off(feed, RBL_REASON_ERRORS, why);
}

/* At most one notice an hour about each. */
static void notice_special(const struct feed *feed, const struct rbl_answer *answer)
{
    int64_t *last_ms = &feed->health->notice_ms[answer->special];
    uint32_t address = answer->special_address;
    if (*last_ms != 0 && feed->now_ms - *last_ms < NOTICE_PAUSE_MS)
        return;
    *last_ms = feed->now_ms;
    snprintf(feed->event->text, sizeof(feed->event->text),
             "list %s answers %u.%u.%u.%u, which does not count: %s", feed->zone, address >> 24,
             address >> 16 & 255, address >> 8 & 255, address & 255,
             rbl_special_text(answer->special));
}

static void observe_refusal(const struct feed *feed, const struct rbl_answer *answer)
{
    struct rbl_health *health = feed->health;
    char why[192];
    note_failure(health, false);
    health->refusals_in_row++;
    notice_special(feed, answer);
    if (health->state == RBL_HEALTH_ON && health->refusals_in_row < REFUSALS_IN_ROW)
        return;
    snprintf(why, sizeof(why), "%s", rbl_special_text(answer->special));
    turn_off(feed, RBL_REASON_REFUSED, why);
}

/* How many clients in a row are hardly ever listed by chance. */
static int improbable_run(double rate)
{
    if (rate > RATE_MAX)
        rate = RATE_MAX;
    double run = rate > 0 ? ceil(log(RUN_CHANCE) / log(rate)) : RUN_MIN;
    return run < RUN_MIN ? RUN_MIN : (int)run;
}

static void notice_kept(const struct feed *feed)
{
    struct rbl_health *health = feed->health;
    if (health->kept_notice_ms != 0 && feed->now_ms - health->kept_notice_ms < NOTICE_PAUSE_MS)
        return;
    health->kept_notice_ms = feed->now_ms;
    snprintf(feed->event->text, sizeof(feed->event->text),
             "list %s has listed the last %d clients, but not a name made up for a test: it is "
             "used on",
             feed->zone, health->run);
}

static void test_soon(struct rbl_health *health, int64_t now_ms, int64_t pause_ms)
{
    int64_t test_at_ms = health->tested_ms ? health->tested_ms + pause_ms : now_ms;
    if (health->state == RBL_HEALTH_ON && test_at_ms < health->test_at_ms)
        health->test_at_ms = test_at_ms;
}

static void check_run(const struct feed *feed)
{
    struct rbl_health *health = feed->health;
    char why[160];
    if (health->settings.is_deny && health->good_run >= GOOD_RUN) {
        snprintf(why, sizeof(why), "it listed the last %d clients that have a good history",
                 health->good_run);
        turn_off(feed, RBL_REASON_EVERYBODY, why);
        return;
    }
    if (health->run < RUN_SUSPICIOUS)
        return;
    test_soon(health, feed->now_ms,
              health->run == RUN_SUSPICIOUS ? TEST_PAUSE_NEW_MS : TEST_PAUSE_MS);
    if (health->run < improbable_run(health->run_rate))
        return;
    if (health->settings.has_test) {
        if (health->passed_ms >= health->run_since_ms &&
            feed->now_ms - health->passed_ms < PASS_FRESH_MS) {
            notice_kept(feed);
            return;
        }
        if (feed->now_ms - health->run_since_ms < TEST_WAIT_MS)
            return;
    }
    snprintf(why, sizeof(why), "it listed the last %d clients, before that %.0f %%",
             health->run, 100 * health->run_rate);
    turn_off(feed, RBL_REASON_EVERYBODY, why);
}

static void count_run(const struct feed *feed, bool is_listed, bool is_known_good)
{
    struct rbl_health *health = feed->health;
    uint64_t answered = health->listed + health->not_listed;
    if (!is_listed) {
        health->run = 0;
    } else if (health->run++ == 0) {
        health->run_since_ms = feed->now_ms;
        health->run_rate = answered > RATE_KNOWN ? health->hit_rate : RATE_DEFAULT;
    }
    if (is_known_good)
        health->good_run = is_listed ? health->good_run + 1 : 0;
    double share = 1.0 / (double)(answered < RATE_MEMORY ? answered : RATE_MEMORY);
    health->hit_rate += share * ((is_listed ? 1 : 0) - health->hit_rate);
}

static void observe_answer(const struct feed *feed, const struct rbl_observation *observation)
{
    struct rbl_health *health = feed->health;
    bool is_listed = observation->answer.state == RBL_LISTED;
    note_failure(health, false);
    health->refusals_in_row = 0;
    switch (health->state) {
    case RBL_HEALTH_ON:
        count_run(feed, is_listed, observation->is_known_good);
        check_run(feed);
        break;
    case RBL_HEALTH_TRIAL:
        if (health->reason != RBL_REASON_EVERYBODY || !is_listed)
            turn_on(feed);
        else if (++health->trial_listed >= TRIAL_LISTED)
            turn_off(feed, RBL_REASON_EVERYBODY, "");
        else
            health->trial_at_ms = feed->now_ms;
        break;
    default: /* asked before it went off */
        break;
    }
}

static void count(struct rbl_health *health, const struct rbl_observation *observation)
{
    const struct rbl_answer *answer = &observation->answer;
    health->lookups++;
    if (answer->state == RBL_LISTED)
        health->listed++;
    else if (answer->state == RBL_NOT_LISTED)
        health->not_listed++;
    else if (answer->special != RBL_SPECIAL_NONE)
        health->refused++;
    else if (answer->failure == RBL_FAILURE_TIMEOUT)
        health->timeouts++;
    else
        health->errors++;
    double share =
        1.0 / (double)(health->lookups < LATENCY_MEMORY ? health->lookups : LATENCY_MEMORY);
    health->latency_ms += share * ((double)observation->latency_ms - health->latency_ms);
}

void rbl_health_observe(struct rbl_health *health, const char *zone,
                        const struct rbl_observation *observation, int64_t now_ms,
                        struct rbl_event *event_r)
{
    const struct rbl_answer *answer = &observation->answer;
    struct feed feed = begin(health, zone, now_ms, event_r);
    if (answer->state == RBL_PENDING || answer->failure == RBL_FAILURE_SKIPPED)
        return;
    count(health, observation);
    if (answer->state != RBL_UNKNOWN) {
        if (answer->special != RBL_SPECIAL_NONE)
            notice_special(&feed, answer);
        observe_answer(&feed, observation);
    } else if (health->state == RBL_HEALTH_OFF) {
        return;
    } else if (answer->special != RBL_SPECIAL_NONE) {
        observe_refusal(&feed, answer);
    } else {
        observe_failure(&feed);
    }
}

bool rbl_health_begins_test(struct rbl_health *health, int64_t now_ms)
{
    if (now_ms < rbl_health_next_ms(health))
        return false;
    health->is_testing = true;
    health->tested_ms = now_ms;
    health->test_at_ms = now_ms + health->settings.test_interval_ms;
    return true;
}

int64_t rbl_health_next_ms(const struct rbl_health *health)
{
    if (!health->settings.has_test)
        return INT64_MAX;
    return health->is_testing ? health->tested_ms + TEST_LIMIT_MS : health->test_at_ms;
}

void rbl_health_suspect(struct rbl_health *health, int64_t now_ms)
{
    test_soon(health, now_ms, TEST_PAUSE_MS);
}

void rbl_health_hear(struct rbl_health *health, bool is_said_off)
{
    health->is_said_off = is_said_off;
}

/* The answer among the results that is of no use, or NULL. */
static const struct rbl_answer *find_useless(const struct rbl_test_result *result)
{
    if (result->listed.state == RBL_UNKNOWN)
        return &result->listed;
    if (result->unlisted.state == RBL_UNKNOWN)
        return &result->unlisted;
    return result->has_control && result->control.state == RBL_UNKNOWN ? &result->control
                                                                       : NULL;
}

static void test_useless(const struct feed *feed, const struct rbl_answer *useless)
{
    struct rbl_health *health = feed->health;
    if (health->test_at_ms > feed->now_ms + TEST_RETRY_MS)
        health->test_at_ms = feed->now_ms + TEST_RETRY_MS;
    if (useless->special != RBL_SPECIAL_NONE)
        observe_refusal(feed, useless);
    else
        observe_failure(feed);
    if (health->state == RBL_HEALTH_ON)
        check_run(feed);
}

void rbl_health_test(struct rbl_health *health, const char *zone,
                     const struct rbl_test_result *result, int64_t now_ms,
                     struct rbl_event *event_r)
{
    struct feed feed = begin(health, zone, now_ms, event_r);
    const struct rbl_answer *useless = find_useless(result);
    health->is_testing = false;
    if (result->unlisted.state == RBL_LISTED ||
        (result->has_control && result->control.state == RBL_LISTED)) {
        turn_off(&feed, RBL_REASON_EVERYBODY, "it lists a test point that nobody may list");
    } else if (useless) {
        test_useless(&feed, useless);
    } else if (result->listed.state != RBL_LISTED) {
        if (++health->tests_not_listed >= TESTS_NOT_LISTED || health->state != RBL_HEALTH_ON)
            turn_off(&feed, RBL_REASON_NOBODY,
                     "it does not list the test point that it should");
        else
            health->test_at_ms = now_ms + TEST_PAUSE_MS;
    } else {
        health->tests_not_listed = 0;
        health->refusals_in_row = 0;
        if (result->has_control)
            health->passed_ms = now_ms;
        if (health->state != RBL_HEALTH_ON)
            turn_on(&feed);
    }
}

const char *rbl_health_state_name(enum rbl_health_state state)
{
    return state_names[state];
}

const char *rbl_health_reason_name(enum rbl_health_reason reason)
{
    return reason_names[reason];
}

void rbl_health_describe(const struct rbl_health *health, int64_t now_ms,
                         rbl_health_field *field, void *context)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"since_s", (now_ms - health->since_ms) / 1000},
        {"retry_in_s", health->state == RBL_HEALTH_OFF && health->retry_at_ms > now_ms
                           ? (health->retry_at_ms - now_ms + 999) / 1000
                           : 0},
        {"hit_percent", (int64_t)(100 * health->hit_rate + 0.5)},
        {"latency_ms", (int64_t)(health->latency_ms + 0.5)},
        {"lookups", (int64_t)health->lookups},
        {"listed", (int64_t)health->listed},
        {"not_listed", (int64_t)health->not_listed},
        {"refused", (int64_t)health->refused},
        {"errors", (int64_t)health->errors},
        {"timeouts", (int64_t)health->timeouts},
    };
    field(context, "state", rbl_health_state_name(health->state));
    field(context, "reason", rbl_health_reason_name(health->reason));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[24];
        snprintf(text, sizeof(text), "%lld", (long long)numbers[i].value);
        field(context, numbers[i].name, text);
    }
}
