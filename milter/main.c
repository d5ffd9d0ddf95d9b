/* postvalve-milter: at the door of Postfix. */
#include "common/config.h"
#include "config.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/privileges.h"
#include "milter/callbacks.h"
#include "milter/history.h"
#include "milter/housekeeping.h"
#include "milter/level_watch.h"
#include "milter/limits.h"
#include "milter/listener.h"
#include "milter/live_config.h"
#include "milter/milter.h"
#include "milter/options.h"
#include "milter/session_table.h"
#include "milter/signals.h"
#include "milter/slots.h"

#include <stdio.h>
#include <sysexits.h>

#define PROGRAM "postvalve-milter"

static int fail(struct config *config, const struct error *error, int status)
{
    log_error("%s", error->text);
    listener_remove_file();
    config_free(config);
    return status;
}

static int serve(const char *config_file, struct config *config)
{
    static struct milter milter;
    struct error error;

    log_open(PROGRAM, config->log_target, config->is_log_verbose);
    signals_block();
    size_t sessions_max = limits_set();
    if (!callbacks_register(&milter))
        return fail(config, &(struct error){"libmilter is of another version than its header"},
                    EX_SOFTWARE);
    if (!listener_open(&config->milter, &error))
        return fail(config, &error, EX_UNAVAILABLE);
    if (!privileges_drop(config->user, config->group, &error))
        return fail(config, &error, EX_NOPERM);

    milter.config_file = config_file;
    milter.sessions = session_table_create(sessions_max);
    milter.level = level_watch_create();
    milter.slots = slots_open(&config->service, clock_monotonic_ms(), &error);
    if (!milter.slots)
        return fail(config, &error, EX_CONFIG);
    milter.history = history_open(config, &error);
    if (!milter.history)
        return fail(config, &error, EX_OSERR);
    milter.config = live_config_create(config);
    if (!housekeeping_start(&milter, &error))
        return fail(config, &error, EX_OSERR);

    log_info("listens on %s", config->milter.listen.text);
    listener_serve();
    log_error("libmilter gave up: it says why in syslog");
    housekeeping_end(&milter, EX_SOFTWARE);
}

static int print_config(const char *file, struct config *config, bool is_printed)
{
    if (is_printed)
        config_print(config, stdout);
    else
        printf("%s: ok\n", file);
    config_free(config);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!options_parse(argc, argv, &options))
        return EX_USAGE;
    if (options.action == OPTIONS_HELP) {
        options_print_help();
        return EX_OK;
    }
    if (options.action == OPTIONS_VERSION) {
        puts(PROGRAM " " PACKAGE_VERSION);
        return EX_OK;
    }

    log_open(PROGRAM, LOG_TARGET_STDERR, false);
    struct config *config = housekeeping_load_config(options.config_file);
    if (!config)
        return EX_CONFIG;
    if (options.action == OPTIONS_SERVE)
        return serve(options.config_file, config);
    return print_config(options.config_file, config, options.action == OPTIONS_PRINT_CONFIG);
}
