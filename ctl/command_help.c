/* postvalvectl help */
#include "ctl/commands.h"

#include <stdio.h>
#include <sysexits.h>

static void print_all(void)
{
    printf("usage: %s [--config FILE] COMMAND\n\n", ARGUMENTS_PROGRAM);
    for (const struct command *command = command_table; command->name; command++)
        if (command->help)
            printf("  %s %s\n      %s\n", command->name, command->usage, command->help);
    puts("\nThe manual is postvalvectl(1), that of the configuration postvalve.json(5).");
}

int command_help(struct arguments *arguments)
{
    const struct argument_option options[] = {
        {NULL, NULL, NULL}
    };
    if (!arguments_parse(arguments, options, false) || arguments->count > 1)
        return command_usage_error("help");
    if (arguments->count == 0) {
        print_all();
        return EX_OK;
    }
    const struct command *command = command_find(arguments->values[0]);
    if (!command || !command->help) {
        fprintf(stderr, "%s: '%s' is not a command\n", ARGUMENTS_PROGRAM, arguments->values[0]);
        return EX_USAGE;
    }
    printf("usage: %s [--config FILE] %s %s\n%s\n", ARGUMENTS_PROGRAM, command->name,
           command->usage, command->help);
    return EX_OK;
}
