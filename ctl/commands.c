#include "ctl/commands.h"

#include "common/config.h"
#include "common/error_list.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const struct command command_table[] = {
    {"check-config", "[--print-config] [FILE]", "say what is wrong with the configuration",
     command_check_config                                                                                        },
    {"status",       "[--json] [PART...]",      "level, pressure, slots, and what is reachable",
     command_status                                                                                              },
    {"help",         "[COMMAND]",               "this text",                                     command_help    },
    {"settings",     "--man",                   NULL,                                            command_settings},
    {NULL,           NULL,                      NULL,                                            NULL            },
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = command_table; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

int command_usage_error(const char *name)
{
    const struct command *command = command_find(name);
    fprintf(stderr, "usage: %s %s %s\n", ARGUMENTS_PROGRAM, command->name, command->usage);
    return EX_USAGE;
}

struct config *command_load_config(const char *file)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load(file, &errors);
    error_list_print(&errors, ARGUMENTS_PROGRAM, stderr);
    return config;
}
