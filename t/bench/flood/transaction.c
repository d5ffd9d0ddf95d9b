#include "t/bench/flood/transaction.h"

#include "t/bench/flood/flood.h"
#include "t/bench/flood/random.h"

#include <inttypes.h>
#include <string.h>

static void send_body(const struct transaction *transaction, struct actor *actor)
{
    uint32_t size = actor->group->settings->body_bytes;
    uint32_t length = (uint32_t)strlen(transaction->line);

    actor_say(actor, STEP_BODY, "From: <%s>\r\nSubject: %s %" PRIu64 "\r\n",
              transaction->sender, transaction->subject, random_next(&actor->random_state));
    for (uint32_t sent = 0; sent < size; sent += length)
        session_send(&actor->session, transaction->line, length);
    session_send(&actor->session, ".\r\n", 3);
}

void transaction_go_on(const struct transaction *transaction, struct actor *actor)
{
    switch ((enum transaction_step)actor->step) {
    case STEP_BANNER:
        if (transaction->begin)
            transaction->begin(actor);
        actor_say(actor, STEP_EHLO, "EHLO %s", transaction->helo);
        break;
    case STEP_EHLO:
        actor_say(actor, STEP_MAIL, "MAIL FROM:<%s>", transaction->sender);
        break;
    case STEP_MAIL:
        actor_say(actor, STEP_RECIPIENT, "RCPT TO:<%s>", actor->group->settings->recipient);
        break;
    case STEP_RECIPIENT:
        actor_say(actor, STEP_DATA, "DATA");
        break;
    case STEP_DATA:
        send_body(transaction, actor);
        break;
    case STEP_BODY:
        transaction->delivered(actor);
        actor_say(actor, STEP_QUIT, "QUIT");
        break;
    case STEP_QUIT:
        actor_finish(actor);
        break;
    }
}
