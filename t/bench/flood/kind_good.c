/* A real MTA with one message: says what it has to, and comes back when told to. */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum step {
    STEP_BANNER,
    STEP_EHLO,
    STEP_MAIL,
    STEP_RECIPIENT,
    STEP_DATA,
    STEP_BODY,
    STEP_QUIT
};

static const int wanted_class[] = {
    [STEP_BANNER] = 2, [STEP_EHLO] = 2, [STEP_MAIL] = 2, [STEP_RECIPIENT] = 2,
    [STEP_DATA] = 3,   [STEP_BODY] = 2, [STEP_QUIT] = 2,
};

static void send_body(struct actor *actor)
{
    static const char line[] = "The quick brown fox jumps over the lazy dog, once more.\r\n";
    uint32_t size = actor->group->settings->body_bytes;

    actor_say(actor, STEP_BODY,
              "From: <sender@client.example>\r\nSubject: flood %" PRIu64 "\r\n",
              random_next(&actor->random_state));
    for (uint32_t sent = 0; sent < size; sent += (uint32_t)sizeof line - 1)
        session_send(&actor->session, line, sizeof line - 1);
    session_send(&actor->session, ".\r\n", 3);
}

static void say_next(struct actor *actor)
{
    switch ((enum step)actor->step) {
    case STEP_BANNER:
        actor_say(actor, STEP_EHLO, "EHLO client.example");
        break;
    case STEP_EHLO:
        actor_say(actor, STEP_MAIL, "MAIL FROM:<sender@client.example>");
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
        group_message_done(actor, MESSAGE_DELIVERED);
        actor_say(actor, STEP_QUIT, "QUIT");
        break;
    case STEP_QUIT:
        actor_finish(actor);
        break;
    }
}

static void on_reply(struct actor *actor, int code)
{
    if (code / 100 == wanted_class[actor->step]) {
        say_next(actor);
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
