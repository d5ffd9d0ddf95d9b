/* postvalve-policyd: the policy server. */
#include "common/config.h"
#include "host/log.h"
#include "host/program.h"
#include "policyd/server.h"
#include "policyd/spawn.h"

#include <sysexits.h>

static const struct program program = {
    .name = "postvalve-policyd",
    .purpose = "The policy server of Postvalve: answers check_policy_service of Postfix.",
    .signals = "SIGHUP reads the configuration again, SIGTERM ends after pending answers.",
    .has_spawn = true,
};

static int serve(const char *config_file)
{
    log_open(program.name, LOG_TARGET_STDERR, false);
    struct config *config = program_load_config(config_file);
    return config ? server_run(config_file, config) : EX_CONFIG;
}

static int spawn(const char *config_file)
{
    log_open(program.name, spawn_log_target(LOG_TARGET_STDERR), false);
    struct config *config = program_load_config(config_file);
    if (!config)
        return EX_CONFIG;
    log_open(program.name, spawn_log_target(config->log_target), config->is_log_verbose);
    return spawn_run(config);
}

int main(int argc, char **argv)
{
    struct program_options options;
    switch (program_begin(&program, argc, argv, &options)) {
    case PROGRAM_SERVE:
        return serve(options.config_file);
    case PROGRAM_SPAWN:
        return spawn(options.config_file);
    case PROGRAM_DONE:
        break;
    }
    return options.exit_status;
}
