#include "t/bench/flood/group.h"

#include "common/memory.h"
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <stdlib.h>

#define ARRIVALS_AT_ONCE_MAX 1000

static void add_timer(struct event *timer, double seconds)
{
    struct timeval interval = flood_timeval(seconds);
    event_add(timer, &interval);
}

void group_release(struct actor *actor)
{
    struct group *group = actor->group;

    actor->phase = ACTOR_IDLE;
    group->idle[group->idle_count++] = actor;
}

static void send_message(struct group *group)
{
    struct tally *tally = &group->tally;

    if (group->idle_count == 0) {
        tally_count(tally, COUNTER_SKIPPED);
        return;
    }
    struct actor *actor = group->idle[--group->idle_count];
    actor->address_index = group->arrived;
    actor->attempts = 0;
    actor->skipped_ns = 0;
    actor->result = MESSAGE_UNDECIDED;
    tally_count(tally, COUNTER_MESSAGES);
    tally->gauge[GAUGE_PENDING]++;
    actor_pause(actor, 0);
}

static double draw_interval_s(struct group *group)
{
    double rate = group->settings->rate;
    return group->settings->is_steady ? 1 / rate
                                      : random_exponential(&group->random_state, rate);
}

/* Arrivals have times of their own, so that a late timer does not lower the rate. */
static void on_arrival(evutil_socket_t descriptor, short what, void *argument)
{
    struct group *group = argument;
    double now_s = flood_elapsed_s(group->flood);
    (void)descriptor;
    (void)what;

    for (int i = 0; i < ARRIVALS_AT_ONCE_MAX && group->next_arrival_s <= now_s; i++) {
        if (group->settings->messages > 0 && group->arrived >= group->settings->messages)
            return;
        send_message(group);
        group->arrived++;
        group->next_arrival_s += draw_interval_s(group);
    }
    if (!group->is_stopped)
        add_timer(group->arrival_timer, group->next_arrival_s - now_s);
}

static void on_start(evutil_socket_t descriptor, short what, void *argument)
{
    struct group *group = argument;
    const struct group_settings *settings = group->settings;
    (void)descriptor;
    (void)what;

    if (settings->kind->is_arriving) {
        group->next_arrival_s = flood_elapsed_s(group->flood) + draw_interval_s(group);
        add_timer(group->arrival_timer, 0);
        return;
    }
    for (uint32_t i = 0; i < settings->concurrency; i++)
        actor_pause(&group->actors[i], settings->ramp_s * i / settings->concurrency);
}

/* Bots go away; messages under way are no longer added to. */
static void on_stop(evutil_socket_t descriptor, short what, void *argument)
{
    struct group *group = argument;
    (void)descriptor;
    (void)what;

    group->is_stopped = true;
    event_del(group->arrival_timer);
    if (group->settings->kind->is_arriving)
        return;
    for (uint32_t i = 0; i < group->settings->concurrency; i++)
        actor_stop(&group->actors[i]);
}

void group_bot_returns(struct actor *actor)
{
    const struct group_settings *settings = actor->group->settings;

    if (actor->group->is_stopped)
        return;
    if (settings->is_address_changing)
        actor->address_index += settings->concurrency;
    actor_pause(actor, random_jitter(&actor->random_state, settings->delay_s));
}

static int64_t message_age_ns(const struct actor *actor)
{
    return flood_now_ns() - actor->first_attempt_ns + actor->skipped_ns;
}

/* Only messages that had the time count: those of the last moments would bias the share. */
static void count_in_time(struct group *group, const struct actor *actor, bool is_delivered,
                          int64_t end_ns)
{
    int64_t within_ns = (int64_t)(group->flood->scenario->within_s * 1e9);

    if (actor->first_attempt_ns + within_ns > end_ns)
        return;
    group->tally.in_time_of++;
    if (is_delivered && message_age_ns(actor) <= within_ns)
        group->tally.in_time++;
}

static void count_delivery(struct group *group, const struct actor *actor)
{
    const double *limits_s = group->flood->scenario->limits_s;
    int64_t age_ns = message_age_ns(actor);

    histogram_add(&group->tally.delivery, (uint64_t)age_ns);
    for (size_t i = 0; i < SCENARIO_LIMITS_MAX && limits_s[i] > 0; i++)
        group->tally.within[i] += (double)age_ns <= limits_s[i] * 1e9;
}

void group_message_done(struct actor *actor, enum message_result result)
{
    static const enum counter counters[] = {
        [MESSAGE_DELIVERED] = COUNTER_DELIVERED,
        [MESSAGE_REJECTED] = COUNTER_REJECTED,
        [MESSAGE_GIVEN_UP] = COUNTER_GIVEN_UP,
    };
    struct group *group = actor->group;
    struct tally *tally = &group->tally;

    if (actor->result != MESSAGE_UNDECIDED)
        return;
    actor->result = result;
    tally_count(tally, counters[result]);
    tally->gauge[GAUGE_PENDING]--;
    if (result == MESSAGE_DELIVERED)
        count_delivery(group, actor);
    count_in_time(group, actor, result == MESSAGE_DELIVERED, group->flood->planned_end_ns);
}

void group_end(struct group *group)
{
    bool is_arriving = group->settings->kind->is_arriving;
    int64_t now_ns = flood_now_ns();

    group->is_stopped = true;
    for (uint32_t i = 0; i < group->settings->concurrency; i++) {
        struct actor *actor = &group->actors[i];
        if (is_arriving && actor->attempts > 0 && actor->result == MESSAGE_UNDECIDED)
            count_in_time(group, actor, false, now_ns);
        actor_stop(actor);
    }
    tally_advance(&group->tally, now_ns);
}

void group_open(struct group *group, struct flood *flood, const struct group_settings *settings,
                uint64_t seed)
{
    struct event_base *base = flood->base;

    group->flood = flood;
    group->settings = settings;
    group->random_state = seed;
    group->tally.slot_at_ns = flood_now_ns();
    group->actors = memory_allocate(settings->concurrency, sizeof *group->actors);
    group->idle = memory_allocate(settings->concurrency, sizeof(struct actor *));
    for (uint32_t i = settings->concurrency; i-- > 0;) {
        actor_initialize(&group->actors[i], group, i, random_next(&seed));
        group->idle[group->idle_count++] = &group->actors[i];
    }
    group->start_timer = event_new(base, -1, 0, on_start, group);
    group->stop_timer = event_new(base, -1, 0, on_stop, group);
    group->arrival_timer = event_new(base, -1, 0, on_arrival, group);
    add_timer(group->start_timer, settings->start_s);
    if (settings->stop_s > 0)
        add_timer(group->stop_timer, settings->stop_s);
}

void group_close(struct group *group)
{
    event_free(group->start_timer);
    event_free(group->stop_timer);
    event_free(group->arrival_timer);
    free(group->idle);
    free(group->actors);
}
