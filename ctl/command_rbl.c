/* postvalvectl rbl: how the DNS lists are, as each host says; rbl report: what they are worth.
 */
#include "common/config.h"
#include "common/memory.h"
#include "ctl/commands.h"
#include "view/rbl_view.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void print_health(const json_t *root)
{
    const char *zone, *host, *name;
    json_t *hosts, *words, *value;
    json_object_foreach((json_t *)root, zone, hosts)
    {
        printf("%s%s\n", zone, json_object_size(hosts) == 0 ? ": no host says how it is" : "");
        json_object_foreach(hosts, host, words)
        {
            printf("  %s:", host);
            json_object_foreach(words, name, value)
                printf(" %s=%s", name, json_string_value(value));
            putchar('\n');
        }
    }
}

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static void print_lists(const struct rbl_plan *plan, const json_t *root,
                        const struct rbl_value *value)
{
    if (plan->list_count == 0)
        puts("no DNS lists are configured (rbl.checks)");
    else if (value)
        rbl_value_report(value, plan, print_line, NULL);
    else
        print_health(root);
}

static bool show(const struct config *config, struct rbl_value *value, bool is_json,
                 struct error *error)
{
    struct redis_session session;
    const struct rbl_plan *plan = config->rbl.plan;
    json_t *root = NULL;
    if (redis_session_open(&session, &config->redis, REDIS_USE_READ, error))
        root = value ? rbl_view_value(plan, &session, value, error)
                     : rbl_view_health(plan, &session, error);
    redis_session_close(&session);
    if (!root)
        return false;
    if (is_json) {
        command_print_json(root);
    } else {
        print_lists(plan, root, value);
        json_decref(root);
    }
    return true;
}

int command_rbl(struct arguments *arguments)
{
    bool is_json = false;
    const struct argument_option options[] = {
        {"--json", &is_json, NULL},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false))
        return command_usage_error("rbl");
    bool is_report = arguments->count == 1 && strcmp(arguments->values[0], "report") == 0;
    if (arguments->count > 0 && !is_report)
        return command_usage_error("rbl");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct rbl_value *value = is_report ? memory_allocate(1, sizeof(*value)) : NULL;
    struct error error;
    bool is_shown = show(config, value, is_json, &error);
    free(value);
    config_free(config);
    return is_shown ? EX_OK : command_failed(&error);
}
