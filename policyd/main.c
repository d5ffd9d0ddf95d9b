/* postvalve-policyd: the policy server. */
#include "common/config.h"
#include "common/error_list.h"
#include "config.h"
#include "host/log.h"
#include "policyd/options.h"
#include "policyd/server.h"
#include "policyd/spawn.h"

#include <stdio.h>
#include <sysexits.h>

#define PROGRAM "postvalve-policyd"

static struct config *load(const char *file)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load(file, &errors);
    for (size_t i = 0; i < errors.count; i++)
        log_error("%s", errors.errors[i].text);
    if (errors.omitted > 0)
        log_error("and %zu more problems", errors.omitted);
    return config;
}

static int serve(const struct options *options)
{
    log_open(PROGRAM, LOG_TARGET_STDERR, false);
    struct config *config = load(options->config_file);
    return config ? server_run(options->config_file, config) : EX_CONFIG;
}

static int spawn(const struct options *options)
{
    log_open(PROGRAM, spawn_log_target(LOG_TARGET_STDERR), false);
    struct config *config = load(options->config_file);
    if (!config)
        return EX_CONFIG;
    log_open(PROGRAM, spawn_log_target(config->log_target), config->is_log_verbose);
    return spawn_run(config);
}

static int print_config(const struct options *options, bool is_printed)
{
    log_open(PROGRAM, LOG_TARGET_STDERR, false);
    struct config *config = load(options->config_file);
    if (!config)
        return EX_CONFIG;
    if (is_printed)
        config_print(config, stdout);
    else
        printf("%s: ok\n", options->config_file);
    config_free(config);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!options_parse(argc, argv, &options))
        return EX_USAGE;
    switch (options.action) {
    case OPTIONS_SERVE:
        return serve(&options);
    case OPTIONS_SPAWN:
        return spawn(&options);
    case OPTIONS_PRINT_CONFIG:
        return print_config(&options, true);
    case OPTIONS_CHECK_CONFIG:
        return print_config(&options, false);
    case OPTIONS_HELP:
        options_print_help();
        return EX_OK;
    case OPTIONS_VERSION:
        puts(PROGRAM " " PACKAGE_VERSION);
        return EX_OK;
    }
    return EX_SOFTWARE;
}
