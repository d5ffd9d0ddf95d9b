/* postvalvectl force, auto, off, on: what is forced, for a time, on one host or all. */
#include "common/duration.h"
#include "common/level_event.h"
#include "common/override.h"
#include "ctl/commands.h"
#include "ctl/override_text.h"
#include "ctl/target.h"
#include "view/redis_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define FORCE_SECONDS_DEFAULT 600
#define OFF_SECONDS_DEFAULT   3600
#define COMMAND_SIZE          8192

/* What one of the four commands does. */
struct order {
    const char *action; /* its name, also in the event */
    enum override_aspect aspect;
    struct slice value; /* empty: take back */
    int64_t seconds;
    struct target target;
    const char *note;
};

static void remember_now(void *context, size_t index, const struct redis_reply *reply)
{
    const struct redis_reply *now = redis_reply_item(reply, 0);
    if (index == 0 && now)
        *(int64_t *)context = now->integer;
}

static bool set_override(struct redis_session *session, const struct order *order,
                         const char *by, int64_t *now_s_r, struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_override(&key, session->prefix, order->target.is_all ? NULL : order->target.host);
    override_command(&command, redis_key_slice(&key), order->aspect, order->value,
                     order->seconds, slice_from_string(by), slice_from_string(order->note));
    return redis_session_ask(session, &command, 1, remember_now, now_s_r, error);
}

/* The event for those who look later, the message for those who listen now. */
static bool announce(struct redis_session *session, const struct order *order, const char *by,
                     int64_t now_s, struct error *error)
{
    char buffer[COMMAND_SIZE], until[24] = "";
    struct redis_command command = REDIS_COMMAND(buffer);
    if (order->value.length > 0)
        snprintf(until, sizeof(until), "%" PRId64, now_s + order->seconds);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("host"), slice_from_string(order->target.host)},
        {SLICE_LITERAL("action"), slice_from_string(order->action)},
        {SLICE_LITERAL("level"),
         order->aspect == OVERRIDE_LEVEL ? order->value : SLICE_LITERAL("")},
        {SLICE_LITERAL("until"), slice_from_string(until)},
        {SLICE_LITERAL("by"), slice_from_string(by)},
        {SLICE_LITERAL("note"), {order->note, strnlen(order->note, OVERRIDE_TEXT_SIZE - 1)}},
    };
    event_command(&command, session->prefix, "order", fields,
                  sizeof(fields) / sizeof(fields[0]));
    override_announce_command(&command, session->prefix, order->target.host);
    return redis_session_ask(session, &command, 2, NULL, NULL, error);
}

static bool carry_out(struct redis_session *session, const struct config *config,
                      const struct order *order, struct error *error)
{
    char by[OVERRIDE_TEXT_SIZE];
    int64_t now_s = 0;
    struct override_view view;
    target_whoami(config, by);
    if (!set_override(session, order, by, &now_s, error) ||
        !announce(session, order, by, now_s, error) ||
        !override_view_read(&view, session, order->target.host, error))
        return false;
    override_text_print(&view);
    return true;
}

/* seconds 0: what the command takes back needs no time. */
static bool parse_order(struct arguments *arguments, struct order *order, const char **host_r,
                        bool *is_all_r)
{
    const char *duration = NULL;
    const struct argument_option options[] = {
        {"--all", is_all_r, NULL},
        {"--host", NULL, host_r},
        {"--note", NULL, &order->note},
        {order->seconds > 0 ? "--for" : NULL, NULL, &duration},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false))
        return false;
    if (!duration ||
        duration_parse(slice_from_string(duration), OVERRIDE_SECONDS_MAX, &order->seconds))
        return true;
    fprintf(stderr, "%s: --for %s: a time is wanted, as 30s, 10m, 2h or 1d, at most 31d\n",
            ARGUMENTS_PROGRAM, duration);
    return false;
}

static bool parse_level(struct arguments *arguments, struct order *order)
{
    enum level level;
    if (arguments->count != 1)
        return false;
    order->value = slice_from_string(arguments->values[0]);
    if (level_by_name(order->value, &level))
        return true;
    fprintf(stderr, "%s: '%s' is not calm, elevated, stressed or critical\n", ARGUMENTS_PROGRAM,
            arguments->values[0]);
    return false;
}

static int run_order(struct arguments *arguments, struct order *order, bool has_level)
{
    const char *host = NULL;
    bool is_all = false;
    order->note = "";
    if (!parse_order(arguments, order, &host, &is_all) ||
        (has_level ? !parse_level(arguments, order) : arguments->count != 0))
        return command_usage_error(order->action);
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;

    struct redis_session session;
    struct error error;
    int status = EX_USAGE;
    if (target_set(&order->target, config, host, is_all)) {
        bool is_done = redis_session_open(&session, &config->redis, REDIS_USE_WRITE, &error) &&
                       carry_out(&session, config, order, &error);
        redis_session_close(&session);
        status = is_done ? EX_OK : command_failed(&error);
    }
    config_free(config);
    return status;
}

int command_force(struct arguments *arguments)
{
    struct order order = {
        .action = "force", .aspect = OVERRIDE_LEVEL, .seconds = FORCE_SECONDS_DEFAULT};
    return run_order(arguments, &order, true);
}

int command_auto(struct arguments *arguments)
{
    struct order order = {.action = "auto", .aspect = OVERRIDE_LEVEL};
    return run_order(arguments, &order, false);
}

int command_off(struct arguments *arguments)
{
    struct order order = {.action = "off",
                          .aspect = OVERRIDE_MODE,
                          .value = SLICE_LITERAL("off"),
                          .seconds = OFF_SECONDS_DEFAULT};
    return run_order(arguments, &order, false);
}

int command_on(struct arguments *arguments)
{
    struct order order = {.action = "on", .aspect = OVERRIDE_MODE};
    return run_order(arguments, &order, false);
}
