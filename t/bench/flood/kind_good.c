/* A real MTA with one message: says what it has to, and comes back when told to. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"
#include "t/bench/flood/transaction.h"

#include <math.h>

static const int wanted_class[] = {
    [STEP_BANNER] = 2, [STEP_EHLO] = 2, [STEP_MAIL] = 2, [STEP_RECIPIENT] = 2,
    [STEP_DATA] = 3,   [STEP_BODY] = 2, [STEP_QUIT] = 2,
};

static void note_delivered(struct actor *actor)
{
    group_message_done(actor, MESSAGE_DELIVERED);
}

static const struct transaction transaction = {
    .helo = "client.example",
    .sender = "sender@client.example",
    .subject = "flood",
    .line = "The quick brown fox jumps over the lazy dog, once more.\r\n",
    .delivered = note_delivered,
};

static void on_reply(struct actor *actor, int code)
{
    if (code / 100 == wanted_class[actor->step]) {
        transaction_go_on(&transaction, actor);
        return;
    }
    if (code >= 500 && actor->step < STEP_QUIT)
        group_message_done(actor, MESSAGE_REJECTED);
    if (is_hang_up(code))
        actor_await_close(actor);
    else if (actor->step == STEP_QUIT)
        actor_finish(actor);
    else
        actor_say(actor, STEP_QUIT, "QUIT");
}

static void on_over(struct actor *actor)
{
    const struct group_settings *settings = actor->group->settings;
    struct tally *tally = &actor->group->tally;

    if (actor->result == MESSAGE_UNDECIDED && actor->attempts < settings->attempts) {
        double backoff_s = settings->backoff_s * exp2(fmin(actor->attempts - 1, 30));
        double pause_s =
            random_jitter(&actor->random_state, fmin(backoff_s, settings->backoff_max_s));
        double scaled_s = pause_s / settings->backoff_scale;
        tally_count(tally, COUNTER_RETRIES);
        actor->skipped_ns += (int64_t)((pause_s - scaled_s) * 1e9);
        actor_pause(actor, scaled_s);
        return;
    }
    group_message_done(actor, MESSAGE_GIVEN_UP); /* unless it is decided */
    group_release(actor);
}

const struct actor_kind kind_good = {
    .name = "good",
    .help = "a real MTA: one message each, retries what is deferred",
    .is_arriving = true,
    .reply = on_reply,
    .over = on_over,
};
