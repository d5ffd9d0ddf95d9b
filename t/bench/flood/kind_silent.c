/* A bot that connects, says nothing, and holds what it got until it is dropped. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

static void on_reply(struct actor *actor, int code)
{
    if (is_hang_up(code))
        actor_await_close(actor);
}

static void on_over(struct actor *actor)
{
    group_bot_returns(actor);
}

const struct actor_kind kind_silent = {
    .name = "silent",
    .help = "connects, says nothing, holds until dropped, comes back",
    .is_patient = true,
    .reply = on_reply,
    .over = on_over,
};
