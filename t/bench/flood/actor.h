/*
 * actor - one simulated client: what all kinds have in common.
 *
 * Life: pausing -> waiting for the first reply -> talking -> over -> pausing ... The kind
 * decides what is said and how long the pauses are; counting is done here.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_ACTOR_H
#define POSTVALVE_T_BENCH_FLOOD_ACTOR_H

#include "t/bench/flood/session.h"
#include "t/bench/flood/tally.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct group;

enum actor_phase { ACTOR_IDLE, ACTOR_PAUSING, ACTOR_WAITING, ACTOR_TALKING };

enum message_result {
    MESSAGE_UNDECIDED,
    MESSAGE_DELIVERED,
    MESSAGE_REJECTED,
    MESSAGE_GIVEN_UP
};

struct actor {
    struct group *group;
    struct session session;
    struct event timer;
    enum actor_phase phase;
    uint64_t random_state;
    uint64_t address_index;
    int step; /* of the kind's dialogue */
    uint32_t recipients;
    uint32_t said; /* bytes of the present line */
    bool is_admitted;
    bool is_leaving; /* the server is about to close */
    int thought_of;  /* the reply that will be acted upon after a while; 0: none */
    int64_t attempt_ns;
    int64_t banner_ns;
    /* of a message */
    enum message_result result;
    uint32_t attempts;
    int64_t first_attempt_ns;
    int64_t skipped_ns; /* of its pauses, which were shorter than they count */
};

void actor_initialize(struct actor *actor, struct group *group, uint64_t index, uint64_t seed);

/* Connects after so long, or at the next turn of the loop. */
void actor_pause(struct actor *actor, double seconds);
/* Sends a line, made like printf's, and moves to a step of the dialogue. */
void actor_say(struct actor *actor, int step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The server must reply or close until then. */
void actor_set_deadline(struct actor *actor, double seconds);
/* After a hang-up: the server is about to close. */
void actor_await_close(struct actor *actor);
/* Closes and lets the kind go on. The caller must return at once. */
void actor_finish(struct actor *actor);
/* Closes, with nothing to follow. */
void actor_stop(struct actor *actor);

static inline bool is_hang_up(int code)
{
    return code == 421 || code == 521;
}

#endif
