/* postvalvectl top */
#include "common/config.h"
#include "common/memory.h"
#include "ctl/commands.h"
#include "ctl/target.h"
#include "ctl/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static bool show_once(struct top *top, struct redis_session *session, const char *host,
                      bool is_json, struct error *error)
{
    struct top_frame frame;
    if (!top_read(top, session, host)) {
        *error = top->error;
        return false;
    }
    if (is_json) {
        command_print_json(top_json(top, host));
        return true;
    }
    top_frame_build(&frame, top, host);
    for (size_t i = 0; i < frame.count; i++)
        puts(frame.lines[i]);
    return true;
}

int command_top(struct arguments *arguments)
{
    bool is_once = false, is_json = false;
    const char *host = NULL;
    const struct argument_option options[] = {
        {"--once", &is_once, NULL},
        {"--json", &is_json, NULL},
        {"--host", NULL, &host},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 0 ||
        (is_json && !is_once))
        return command_usage_error("top");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;

    struct top *top = memory_allocate(1, sizeof(*top));
    struct redis_session session;
    struct target target;
    struct error error;
    target_set(&target, config, host, false);
    bool is_done = redis_session_open(&session, &config->redis, REDIS_USE_READ, &error) &&
                   (is_once ? show_once(top, &session, target.host, is_json, &error)
                            : top_screen_run(top, &session, target.host, &error));
    redis_session_close(&session);
    free(top);
    config_free(config);
    return is_done ? EX_OK : command_failed(&error);
}
