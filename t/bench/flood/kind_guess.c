/* A bot that tries names until one is accepted or it is dropped. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <inttypes.h>

enum step { STEP_BANNER, STEP_EHLO, STEP_MAIL, STEP_RECIPIENT, STEP_QUIT };

static void guess(struct actor *actor)
{
    const struct group_settings *settings = actor->group->settings;

    if (actor->recipients++ == settings->recipients) {
        actor_say(actor, STEP_QUIT, "QUIT");
        return;
    }
    actor_say(actor, STEP_RECIPIENT, "RCPT TO:<user%06" PRIx64 "@%s>",
              random_next(&actor->random_state) & 0xffffff, settings->domain);
}

static void on_reply(struct actor *actor, int code)
{
    if (is_hang_up(code)) {
        actor_await_close(actor);
        return;
    }
    if (actor->step == STEP_QUIT || (actor->step < STEP_RECIPIENT && code >= 400)) {
        actor_finish(actor);
        return;
    }
    switch ((enum step)actor->step) {
    case STEP_BANNER:
        actor_say(actor, STEP_EHLO, "EHLO bot.invalid");
        break;
    case STEP_EHLO:
        actor_say(actor, STEP_MAIL, "MAIL FROM:<bot@bot.invalid>");
        break;
    default:
        guess(actor);
    }
}

static void on_over(struct actor *actor)
{
    group_bot_returns(actor);
}

const struct actor_kind kind_guess = {
    .name = "guess",
    .help = "tries random recipients until dropped, comes back",
    .reply = on_reply,
    .over = on_over,
};
