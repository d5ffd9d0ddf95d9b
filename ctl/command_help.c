/* postvalvectl help */
#include "ctl/commands.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define WIDTH 80

/* In lines of at most WIDTH columns, broken before an option. */
static void print_usage(const struct command *command)
{
    int column = printf("  %s", command->name);
    for (const char *word = command->usage; *word;) {
        const char *next = strstr(word, " [");
        int length = next ? (int)(next - word) : (int)strlen(word);
        if (column + 1 + length > WIDTH)
            column = printf("\n         ") - 1;
        column += printf(" %.*s", length, word);
        word += length + (next ? 1 : 0);
    }
    printf("\n      %s\n", command->help);
}

static void print_all(void)
{
    printf("usage: %s [--config FILE] COMMAND\n\n", ARGUMENTS_PROGRAM);
    for (const struct command *command = command_table; command->name; command++)
        if (command->help)
            print_usage(command);
    puts("\nThe manual is postvalvectl(1), that of the configuration postvalve.json(5).");
}

int command_help(struct arguments *arguments)
{
    const struct argument_option options[] = {{NULL, NULL, NULL}};
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
