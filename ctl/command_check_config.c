/* postvalvectl check-config: every problem at once, or the effective configuration. */
#include "common/config.h"
#include "ctl/commands.h"

#include <stdio.h>
#include <sysexits.h>

int command_check_config(struct arguments *arguments)
{
    bool is_printed = false;
    const struct argument_option options[] = {{"--print-config", &is_printed, NULL},
                                              {NULL, NULL, NULL}};
    if (!arguments_parse(arguments, options, false) || arguments->count > 1)
        return command_usage_error("check-config");
    const char *file = arguments->count == 1 ? arguments->values[0] : arguments->config_file;
    struct config *config = command_load_config(file);
    if (!config)
        return EX_CONFIG;
    if (is_printed)
        config_print(config, stdout);
    else
        printf("%s: ok\n", file);
    config_free(config);
    return EX_OK;
}
