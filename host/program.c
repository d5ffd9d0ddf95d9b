#include "host/program.h"

#include "common/config.h"
#include "common/error_list.h"
#include "config.h"
#include "host/log.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define CONFIG_FILE_DEFAULT POSTVALVE_SYSCONFDIR "/postvalve/postvalve.json"

static const struct option option_table[] = {
    {"config", required_argument, NULL, 'c'},
    {"print-config", no_argument, NULL, 'p'},
    {"check-config", no_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {"spawn", no_argument, NULL, 's'}, /* last: left out where there is none */
    {NULL, 0, NULL, 0},
};
#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

void program_log_errors(const struct error_list *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        log_error("%s", errors->errors[i].text);
    if (errors->omitted > 0)
        log_error("and %zu more problems", errors->omitted);
}

struct config *program_load_config(const char *file)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load(file, &errors);
    program_log_errors(&errors);
    return config;
}

static int print_help(const struct program *program)
{
    printf("usage: %s [--config FILE]%s\n\n%s\n\n"
           "  -c, --config FILE   configuration (" CONFIG_FILE_DEFAULT ")\n"
           "%s"
           "      --check-config  check the configuration and exit\n"
           "      --print-config  print the effective configuration and exit\n"
           "      --help          print this text and exit\n"
           "      --version       print the version and exit\n"
           "\n%s\n",
           program->name, program->has_spawn ? " [--spawn]" : "", program->purpose,
           program->has_spawn
               ? "      --spawn         one client on standard input and output, for spawn(8)\n"
               : "",
           program->signals);
    return EX_OK;
}

static int check_config(const struct program *program, const char *file, bool is_printed)
{
    log_open(program->name, LOG_TARGET_STDERR, false);
    struct config *config = program_load_config(file);
    if (!config)
        return EX_CONFIG;
    if (is_printed)
        config_print(config, stdout);
    else
        printf("%s: ok\n", file);
    config_free(config);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int act(const struct program *program, int action, const char *file)
{
    switch (action) {
    case 'h':
        return print_help(program);
    case 'v':
        printf("%s " PACKAGE_VERSION "\n", program->name);
        return EX_OK;
    case 'p':
    case 'k':
        return check_config(program, file, action == 'p');
    default: /* getopt_long() said why */
        fprintf(stderr, "%s --help tells what there is\n", program->name);
        return EX_USAGE;
    }
}

enum program_action program_begin(const struct program *program, int argc, char **argv,
                                  struct program_options *options_r)
{
    struct option options[OPTION_COUNT];
    int option, action = 0;

    memcpy(options, option_table, sizeof(options));
    if (!program->has_spawn)
        options[OPTION_COUNT - 2] = options[OPTION_COUNT - 1];
    *options_r = (struct program_options){CONFIG_FILE_DEFAULT, EX_OK};
    while (action != '?' && (option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'c')
            options_r->config_file = optarg;
        else
            action = option;
    }
    if (action != '?' && optind < argc) {
        fprintf(stderr, "%s: '%s' is not an option\n", argv[0], argv[optind]);
        action = '?';
    }
    if (action == 0)
        return PROGRAM_SERVE;
    if (action == 's')
        return PROGRAM_SPAWN;
    options_r->exit_status = act(program, action, options_r->config_file);
    return PROGRAM_DONE;
}
