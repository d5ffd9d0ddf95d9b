/* postvalvectl: the administrator's tool. */
#include "config.h"
#include "ctl/arguments.h"
#include "ctl/commands.h"

#include <stdio.h>
#include <sysexits.h>

#define CONFIG_FILE_DEFAULT POSTVALVE_SYSCONFDIR "/postvalve/postvalve.json"

static int run_command(struct arguments *arguments)
{
    if (arguments->count == 0) {
        fputs("usage: " ARGUMENTS_PROGRAM " [--config FILE] COMMAND; 'help' lists commands\n",
              stderr);
        return EX_USAGE;
    }
    const struct command *command = command_find(arguments->values[0]);
    if (!command) {
        fprintf(stderr, "%s: '%s' is not a command; 'help' lists commands\n", ARGUMENTS_PROGRAM,
                arguments->values[0]);
        return EX_USAGE;
    }
    arguments->count--;
    arguments->values++;
    return command->run(arguments);
}

/* Output that got lost, on a disk that is full, is a failure too. */
static int flush(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror(ARGUMENTS_PROGRAM ": standard output");
    return EX_IOERR;
}

int main(int argc, char **argv)
{
    bool is_version = false, is_help = false;
    const struct argument_option options[] = {
        {"--version", &is_version, NULL}, {"--help", &is_help, NULL}, {NULL, NULL, NULL}};
    struct arguments arguments = {CONFIG_FILE_DEFAULT, argc > 0 ? argc - 1 : 0,
                                  argc > 0 ? argv + 1 : argv};

    if (!arguments_parse(&arguments, options, true))
        return EX_USAGE;
    if (is_version) {
        puts(ARGUMENTS_PROGRAM " " PACKAGE_VERSION);
        return flush(EX_OK);
    }
    if (is_help) {
        arguments.count = 0;
        return flush(command_help(&arguments));
    }
    return flush(run_command(&arguments));
}
