#include "t/bench/flood/actor.h"

#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE        512
#define CLOSE_PATIENCE_S 5.0

static void set_timer(struct actor *actor, double seconds)
{
    struct timeval interval = flood_timeval(seconds);
    event_add(&actor->timer, &interval);
}

void actor_set_deadline(struct actor *actor, double seconds)
{
    set_timer(actor, seconds);
}

void actor_await_close(struct actor *actor)
{
    actor->is_leaving = true;
    set_timer(actor, CLOSE_PATIENCE_S);
}

void actor_pause(struct actor *actor, double seconds)
{
    actor->phase = ACTOR_PAUSING;
    set_timer(actor, seconds);
}

void actor_say(struct actor *actor, int step, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 2, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line - 2)
        length = (int)sizeof line - 3;
    memcpy(line + length, "\r\n", 2);
    actor->step = step;
    actor_set_deadline(actor, actor->group->settings->command_timeout_s);
    session_send(&actor->session, line, (size_t)length + 2);
}

/* The waiting for the first reply is over; in vain if it did not come. */
static void end_waiting(struct actor *actor, bool is_in_vain)
{
    struct tally *tally = &actor->group->tally;

    if (actor->phase != ACTOR_WAITING)
        return;
    actor->phase = ACTOR_TALKING;
    tally->gauge[GAUGE_WAITING]--;
    if (is_in_vain)
        tally_banner(tally, flood_now_ns() - actor->attempt_ns);
}

/* The connection is closed: bring the gauges in order. */
static void leave(struct actor *actor)
{
    struct tally *tally = &actor->group->tally;
    int64_t now_ns = flood_now_ns();

    session_close(&actor->session);
    event_del(&actor->timer);
    end_waiting(actor, true);
    if (actor->phase != ACTOR_TALKING)
        return;
    tally->gauge[GAUGE_OPEN]--;
    if (actor->is_admitted) {
        tally_advance(tally, now_ns);
        tally->gauge[GAUGE_ADMITTED]--;
        if (now_ns - actor->banner_ns > tally->longest_hold_ns)
            tally->longest_hold_ns = now_ns - actor->banner_ns;
    }
    actor->is_admitted = false;
    actor->phase = ACTOR_IDLE;
}

void actor_finish(struct actor *actor)
{
    leave(actor);
    actor->group->settings->kind->over(actor);
}

void actor_stop(struct actor *actor)
{
    leave(actor);
    actor->phase = ACTOR_IDLE;
}

static void count_reply(struct actor *actor, int code)
{
    struct tally *tally = &actor->group->tally;

    if (code == 421)
        tally_count(tally, COUNTER_HUNG_UP_421);
    else if (code == 521)
        tally_count(tally, COUNTER_HUNG_UP_521);
    else if (code == 554 && actor->step == 0)
        tally_count(tally, COUNTER_REFUSED_554);
    else if (code >= 400 && code < 500)
        tally_count(tally, COUNTER_REPLIES_4XX);
    else if (code >= 500)
        tally_count(tally, COUNTER_REPLIES_5XX);
}

static void on_connected(void *owner)
{
    struct actor *actor = owner;
    tally_count(&actor->group->tally, COUNTER_CONNECTED);
}

static void admit(struct actor *actor)
{
    struct tally *tally = &actor->group->tally;

    actor->banner_ns = flood_now_ns();
    tally_count(tally, COUNTER_BANNERS);
    tally_advance(tally, actor->banner_ns);
    tally->gauge[GAUGE_ADMITTED]++;
    actor->is_admitted = true;
    tally_banner(tally, actor->banner_ns - actor->attempt_ns);
}

/* The network and the client's own work take their time: only for what leads on. */
static bool is_thought_over(const struct actor *actor, int code)
{
    const struct group_settings *settings = actor->group->settings;
    return settings->think_s > 0 && settings->kind->tick == NULL && code < 400 && code != 221;
}

static void on_reply(void *owner, int code)
{
    struct actor *actor = owner;

    event_del(&actor->timer);
    actor->thought_of = 0;
    if (actor->phase == ACTOR_WAITING && code == 220)
        admit(actor);
    end_waiting(actor, false);
    count_reply(actor, code);
    if (is_thought_over(actor, code)) {
        actor->thought_of = code;
        set_timer(actor, random_jitter(&actor->random_state, actor->group->settings->think_s));
        return;
    }
    actor->group->settings->kind->reply(actor, code);
}

static void on_ended(void *owner)
{
    struct actor *actor = owner;

    tally_count(&actor->group->tally, COUNTER_LOST);
    actor_finish(actor);
}

static const struct session_handler handler = {on_connected, on_reply, on_ended};

static void choose_source(const struct actor *actor, struct sockaddr_in *source)
{
    const struct group_settings *settings = actor->group->settings;
    uint32_t index = (uint32_t)(actor->address_index % settings->addresses);

    memset(source, 0, sizeof *source);
    source->sin_family = AF_INET;
    source->sin_addr.s_addr = htonl(settings->first_address + index * settings->address_step);
}

static void begin_attempt(struct actor *actor)
{
    struct group *group = actor->group;
    struct tally *tally = &group->tally;
    struct sockaddr_in source;

    actor->attempt_ns = flood_now_ns();
    if (actor->attempts++ == 0)
        actor->first_attempt_ns = actor->attempt_ns;
    actor->step = 0;
    actor->recipients = 0;
    actor->said = 0;
    actor->is_leaving = false;
    actor->thought_of = 0;
    actor->phase = ACTOR_WAITING;
    tally_count(tally, COUNTER_ATTEMPTS);
    tally->gauge[GAUGE_OPEN]++;
    tally->gauge[GAUGE_WAITING]++;
    choose_source(actor, &source);
    if (!session_open(&actor->session, group->flood->base, &source, &group->flood->server)) {
        on_ended(actor);
        return;
    }
    if (!group->settings->kind->is_patient)
        actor_set_deadline(actor, group->settings->banner_timeout_s);
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct actor *actor = argument;
    const struct actor_kind *kind = actor->group->settings->kind;
    int code = actor->thought_of;
    (void)descriptor;
    (void)what;

    if (actor->phase == ACTOR_PAUSING) {
        begin_attempt(actor);
        return;
    }
    actor->thought_of = 0;
    if (code != 0) {
        kind->reply(actor, code);
        return;
    }
    if (kind->tick != NULL && actor->phase == ACTOR_TALKING && !actor->is_leaving) {
        kind->tick(actor);
        return;
    }
    tally_count(&actor->group->tally, COUNTER_TIMEOUTS);
    actor_finish(actor);
}

void actor_initialize(struct actor *actor, struct group *group, uint64_t index, uint64_t seed)
{
    memset(actor, 0, sizeof *actor);
    actor->group = group;
    actor->random_state = seed;
    actor->address_index = index;
    session_initialize(&actor->session, &handler, actor);
    event_assign(&actor->timer, group->flood->base, -1, 0, on_timer, actor);
}
