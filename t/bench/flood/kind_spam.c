/* A bot that knows a recipient and delivers, quickly, one message a session. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <inttypes.h>

enum step {
    STEP_BANNER,
    STEP_EHLO,
    STEP_MAIL,
    STEP_RECIPIENT,
    STEP_DATA,
    STEP_BODY,
    STEP_QUIT
};

static void send_body(struct actor *actor)
{
    static const char line[] = "Buy now, pay now, never hear of us again. Really, buy it.\r\n";
    uint32_t size = actor->group->settings->body_bytes;

    actor_say(actor, STEP_BODY, "From: <bot@bot.invalid>\r\nSubject: offer %" PRIu64 "\r\n",
              random_next(&actor->random_state));
    for (uint32_t sent = 0; sent < size; sent += (uint32_t)sizeof line - 1)
        session_send(&actor->session, line, sizeof line - 1);
    session_send(&actor->session, ".\r\n", 3);
}

static void say_next(struct actor *actor)
{
    struct tally *tally = &actor->group->tally;

    switch ((enum step)actor->step) {
    case STEP_BANNER:
        tally_count(tally, COUNTER_MESSAGES);
        actor_say(actor, STEP_EHLO, "EHLO bot.invalid");
        break;
    case STEP_EHLO:
        actor_say(actor, STEP_MAIL, "MAIL FROM:<bot@bot.invalid>");
        break;
    case STEP_MAIL:
        actor_say(actor, STEP_RECIPIENT, "RCPT TO:<%s>", actor->group->settings->recipient);
        break;
    case STEP_RECIPIENT:
        actor_say(actor, STEP_DATA, "DATA");
        break;
    case STEP_DATA:
        send_body(actor);
        break;
    case STEP_BODY:
        tally_count(tally, COUNTER_DELIVERED);
        actor_say(actor, STEP_QUIT, "QUIT");
        break;
    case STEP_QUIT:
        actor_finish(actor);
        break;
    }
}

/* It does not stay to argue. */
static void on_reply(struct actor *actor, int code)
{
    if (is_hang_up(code))
        actor_await_close(actor);
    else if (code < 400)
        say_next(actor);
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
