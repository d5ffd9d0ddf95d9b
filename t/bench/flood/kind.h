/*
 * kind - how a client behaves: a file with these functions, and a row of actor_kind_table.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_KIND_H
#define POSTVALVE_T_BENCH_FLOOD_KIND_H

#include <stdbool.h>

struct actor;

struct actor_kind {
    const char *name;
    const char *help;
    /* True: each actor is a message; they come at a rate. False: actors are there all the
     * time, from start to stop. */
    bool is_arriving;
    bool is_patient; /* waits for a banner without end */
    /* A reply came; step 0: the first one of the connection. Ends with sending something,
     * actor_finish(), actor_await_close(), or nothing. */
    void (*reply)(struct actor *actor, int code);
    /* NULL, or: what happens at the deadline instead of giving up. */
    void (*tick)(struct actor *actor);
    /* The connection is closed, by whomever. Ends with actor_pause() or actor_release(). */
    void (*over)(struct actor *actor);
};

extern const struct actor_kind kind_good, kind_silent, kind_guess, kind_dribble, kind_spam;

extern const struct actor_kind *const actor_kind_table[];   /* ends with NULL */
const struct actor_kind *actor_kind_find(const char *name); /* NULL: none */

#endif
