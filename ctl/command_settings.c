/* postvalvectl settings --man: the option list of postvalve.json(5), for the build. */
#include "common/settings.h"
#include "ctl/commands.h"

#include <stdio.h>
#include <sysexits.h>

int command_settings(struct arguments *arguments)
{
    bool is_man = false;
    const struct argument_option options[] = {{"--man", &is_man, NULL}, {NULL, NULL, NULL}};
    if (!arguments_parse(arguments, options, false) || arguments->count > 0 || !is_man)
        return command_usage_error("settings");
    settings_print_man(stdout);
    return EX_OK;
}
