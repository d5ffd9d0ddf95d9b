/*
 * group - the clients of one row of the scenario: when they come, from where, what they count.
 *
 * A group owns its actors; an actor is reused from one message (or session) to the next and
 * freed only with the group.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_GROUP_H
#define POSTVALVE_T_BENCH_FLOOD_GROUP_H

#include "t/bench/flood/actor.h"
#include "t/bench/flood/scenario.h"
#include "t/bench/flood/tally.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flood;

struct group {
    struct flood *flood;
    const struct group_settings *settings;
    struct actor *actors;
    struct actor **idle; /* of an arriving kind: those without a message */
    size_t idle_count;
    uint64_t random_state;
    uint64_t arrived;
    double next_arrival_s;
    bool is_stopped;
    struct event *start_timer, *stop_timer, *arrival_timer;
    struct tally tally;
};

void group_open(struct group *group, struct flood *flood, const struct group_settings *settings,
                uint64_t seed);
void group_close(struct group *group);

/* The end of the run: drops all connections and counts what is still undecided. */
void group_end(struct group *group);

/* For kinds. A bot's session is over: it comes back, unless its time is up. */
void group_bot_returns(struct actor *actor);
/* A message's fate is known. */
void group_message_done(struct actor *actor, enum message_result result);
/* The actor of a message is free for the next one. */
void group_release(struct actor *actor);

#endif
