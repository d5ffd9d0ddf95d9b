/* postvalvectl explain */
#include "common/config.h"
#include "common/number.h"
#include "ctl/commands.h"
#include "ctl/explain_text.h"
#include "view/redis_session.h"

#include <stdio.h>
#include <sysexits.h>

#define PRESSURE_MAX 99.0

static bool parse(struct arguments *arguments, struct explain_question *question_r,
                  bool *is_json_r)
{
    const char *pressure = NULL;
    *question_r = (struct explain_question){.name = "", .pressure = -1};
    const struct argument_option options[] = {
        {"--json", is_json_r, NULL},
        {"--name", NULL, &question_r->name},
        {"--pressure", NULL, &pressure},
        {"--sender", NULL, &question_r->sender},
        {"--recipient", NULL, &question_r->recipient},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 1)
        return false;
    if (!address_parse(slice_from_string(arguments->values[0]), &question_r->address)) {
        fprintf(stderr, "%s: '%s' is not an address\n", ARGUMENTS_PROGRAM,
                arguments->values[0]);
        return false;
    }
    if (!pressure ||
        number_parse_fraction(slice_from_string(pressure), PRESSURE_MAX, &question_r->pressure))
        return true;
    fprintf(stderr, "%s: --pressure %s: a number is wanted, 1.0 is full\n", ARGUMENTS_PROGRAM,
            pressure);
    return false;
}

int command_explain(struct arguments *arguments)
{
    struct explain_question question;
    struct explanation explanation;
    bool is_json = false;
    if (!parse(arguments, &question, &is_json))
        return command_usage_error("explain");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct redis_session session;
    struct error none_configured;
    bool has_redis =
        redis_session_open(&session, &config->redis, REDIS_USE_READ, &none_configured);
    explain_gather(&explanation, config, has_redis ? &session : NULL, &question);
    redis_session_close(&session);
    if (is_json)
        command_print_json(explain_json(&explanation));
    else
        explain_text_print(&explanation);
    config_free(config);
    return EX_OK;
}
