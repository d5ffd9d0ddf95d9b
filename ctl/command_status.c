/* postvalvectl status */
#include "common/config.h"
#include "ctl/commands.h"
#include "ctl/status.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define EXIT_NOT_WELL 1

/* Which parts count for the exit status: those named, or all. */
static bool select_parts(const struct arguments *arguments, bool is_selected[STATUS_PART_COUNT])
{
    for (int part = 0; part < STATUS_PART_COUNT; part++)
        is_selected[part] = arguments->count == 0;
    for (int i = 0; i < arguments->count; i++) {
        int part = 0;
        while (part < STATUS_PART_COUNT &&
               strcmp(status_part_names[part], arguments->values[i]) != 0)
            part++;
        if (part == STATUS_PART_COUNT) {
            fprintf(stderr, "%s: '%s' is not sensor, policyd, milter or redis\n",
                    ARGUMENTS_PROGRAM, arguments->values[i]);
            return false;
        }
        is_selected[part] = true;
    }
    return true;
}

int command_status(struct arguments *arguments)
{
    bool is_json = false, is_selected[STATUS_PART_COUNT], is_well = true;
    const struct argument_option options[] = {{"--json", &is_json, NULL}, {NULL, NULL, NULL}};
    if (!arguments_parse(arguments, options, false) || !select_parts(arguments, is_selected))
        return command_usage_error("status");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;

    struct status status;
    status_gather(&status, config);
    for (int part = 0; part < STATUS_PART_COUNT; part++)
        if (is_selected[part] && !status.is_well[part])
            is_well = false;
    if (is_json)
        status_print_json(&status, is_well);
    else
        status_print_text(&status);
    config_free(config);
    return is_well ? EX_OK : EXIT_NOT_WELL;
}
