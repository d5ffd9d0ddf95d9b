/* postvalve-milter: at the door of Postfix. */
#include "common/config.h"
#include "host/clock.h"
#include "host/decision_log.h"
#include "host/history_guard.h"
#include "host/log.h"
#include "host/own_addresses.h"
#include "host/privileges.h"
#include "host/program.h"
#include "host/stress_monitor.h"
#include "milter/access_watch.h"
#include "milter/callbacks.h"
#include "milter/history.h"
#include "milter/host_link.h"
#include "milter/housekeeping.h"
#include "milter/limits.h"
#include "milter/listener.h"
#include "milter/live_config.h"
#include "milter/milter.h"
#include "milter/newcomer_watch.h"
#include "milter/reclaimer.h"
#include "milter/session_table.h"
#include "milter/signals.h"

#include <sysexits.h>

static const struct program program = {
    .name = "postvalve-milter",
    .purpose =
        "The milter of Postvalve: decides at the door of Postfix and sees how sessions end.",
    .signals = "Runs in the foreground. SIGHUP reads the configuration again, SIGTERM ends.",
};

static int fail(struct config *config, const struct error *error, int status)
{
    log_error("%s", error->text);
    listener_remove_file();
    config_free(config);
    return status;
}

static bool drop_privileges(const struct config *config, struct error *error)
{
    return config->reclaim.is_enabled
               ? privileges_drop_except_net_admin(config->user, config->group, error)
               : privileges_drop(config->user, config->group, error);
}

static int serve(const char *config_file, struct config *config)
{
    static struct milter milter;
    struct error error;

    log_open(program.name, config->log_target, config->is_log_verbose);
    signals_block();
    size_t sessions_max = limits_set();
    if (!callbacks_register(&milter))
        return fail(config, &(struct error){"libmilter is of another version than its header"},
                    EX_SOFTWARE);
    if (!listener_open(&config->milter, &error))
        return fail(config, &error, EX_UNAVAILABLE);
    if (!drop_privileges(config, &error))
        return fail(config, &error, EX_NOPERM);

    milter.config_file = config_file;
    milter.sessions = session_table_create(sessions_max);
    milter.reclaimer = reclaimer_open(&config->reclaim);
    milter.stress = stress_monitor_open(config, STRESS_MONITOR_DAEMON, clock_monotonic_ms());
    milter.history = history_open(config, &error);
    if (!milter.history)
        return fail(config, &error, EX_OSERR);
    milter.history_guard = history_guard_create();
    milter.newcomers = newcomer_watch_create();
    milter.decision_log = decision_log_open(config, "milter");
    milter.own_addresses = own_addresses_create();
    milter.access = access_watch_create();
    milter.config = live_config_create(config);
    milter.host_link = host_link_start(&milter, &error);
    if (!milter.host_link)
        return fail(config, &error, EX_OSERR);
    if (!housekeeping_start(&milter, &error))
        return fail(config, &error, EX_OSERR);

    log_info("listens on %s", config->milter.listen.text);
    listener_serve();
    log_error("libmilter gave up: it says why in syslog");
    housekeeping_end(&milter, EX_SOFTWARE);
}

int main(int argc, char **argv)
{
    struct program_options options;
    if (program_begin(&program, argc, argv, &options) == PROGRAM_DONE)
        return options.exit_status;
    log_open(program.name, LOG_TARGET_STDERR, false);
    struct config *config = program_load_config(options.config_file);
    return config ? serve(options.config_file, config) : EX_CONFIG;
}
