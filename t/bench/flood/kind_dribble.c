/* A bot that never is silent for long and never gets anywhere: a byte, or a command, at a time.
 */
#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"
#include "t/bench/flood/random.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 128

#define COMMAND_COUNT 4

/* Said round and round; all of it is right, none of it ends in a message. */
static void format_command(const struct actor *actor, char line[static LINE_SIZE])
{
    static const char *const commands[COMMAND_COUNT] = {
        "EHLO bot.invalid", "MAIL FROM:<bot@bot.invalid>", NULL, "RSET"};
    const char *command = commands[actor->step % COMMAND_COUNT];

    if (command != NULL)
        snprintf(line, LINE_SIZE, "%s\r\n", command);
    else
        snprintf(line, LINE_SIZE, "RCPT TO:<%s>\r\n", actor->group->settings->recipient);
}

static void wait_a_little(struct actor *actor)
{
    actor_set_deadline(actor,
                       random_jitter(&actor->random_state, actor->group->settings->interval_s));
}

static void say_a_little(struct actor *actor)
{
    bool is_whole = actor->group->settings->is_dribbling_commands;
    char line[LINE_SIZE];

    format_command(actor, line);
    size_t length = strlen(line);
    if (actor->said >= length)
        actor->said = 0;
    size_t size = is_whole ? length : 1;
    session_send(&actor->session, line + actor->said, size);
    actor->said += (uint32_t)size;
    if (actor->said == length) {
        actor->said = 0;
        actor->step++;
    }
    wait_a_little(actor);
}

static void on_reply(struct actor *actor, int code)
{
    if (is_hang_up(code))
        actor_await_close(actor);
    else
        wait_a_little(actor);
}

static void on_over(struct actor *actor)
{
    group_bot_returns(actor);
}

const struct actor_kind kind_dribble = {
    .name = "dribble",
    .help = "a byte or a command at a time, never a message, comes back",
    .is_patient = true,
    .reply = on_reply,
    .tick = say_a_little,
    .over = on_over,
};
