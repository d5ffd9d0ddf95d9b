/* A bot that knows a recipient and delivers, quickly, one message a session. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/transaction.h"

static void note_begun(struct actor *actor)
{
    tally_count(&actor->group->tally, COUNTER_MESSAGES);
}

static void note_delivered(struct actor *actor)
{
    tally_count(&actor->group->tally, COUNTER_DELIVERED);
}

static const struct transaction transaction = {
    .helo = "bot.invalid",
    .sender = "bot@bot.invalid",
    .subject = "offer",
    .line = "Buy now, pay now, never hear of us again. Really, buy it.\r\n",
    .begin = note_begun,
    .delivered = note_delivered,
};

/* It does not stay to argue. */
static void on_reply(struct actor *actor, int code)
{
    if (is_hang_up(code))
        actor_await_close(actor);
    else if (code < 400)
        transaction_go_on(&transaction, actor);
    else
        actor_finish(actor);
}

static void on_over(struct actor *actor)
{
    group_bot_returns(actor);
}

const struct actor_kind kind_spam = {
    .name = "spam",
    .help = "delivers a message to a valid recipient, comes back",
    .reply = on_reply,
    .over = on_over,
};
