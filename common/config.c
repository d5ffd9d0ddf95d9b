#include "common/config.h"

#include "common/endpoint.h"
#include "common/json_duplicates.h"
#include "common/memory.h"
#include "common/rbl_settings.h"
#include "common/settings.h"

#include <stdlib.h>
#include <string.h>

struct config *config_default(void)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load_text("defaults", "{}", 2, &errors);
    if (!config) { /* a mistake in the table of settings: the unit test does not let it pass */
        error_list_print(&errors, "postvalve", stderr);
        abort();
    }
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    rbl_settings_release(&config->rbl);
    for (size_t i = 0; i < settings_count; i++)
        setting_release(&settings_table[i], config);
    free(config);
}

static json_t *parse_json(const char *name, struct slice text, struct error_list *errors)
{
    json_error_t problem;
    if (text.length > CONFIG_SIZE_MAX) {
        error_list_add(errors, "%s: %zu bytes, allowed: at most %d", name, text.length,
                       CONFIG_SIZE_MAX);
        return NULL;
    }
    json_t *root = json_loadb(text.data, text.length, 0, &problem);
    if (!root) {
        /* What stands "near" it may be a secret. */
        char *near_text = strstr(problem.text, " near '");
        if (near_text)
            *near_text = '\0';
        error_list_add(errors, "%s: line %d, column %d: not JSON: %s", name, problem.line,
                       problem.column, problem.text);
    }
    return root;
}

static void report_duplicate(const struct json_duplicate *duplicate, void *context)
{
    const struct setting_problems *problems = context;
    error_list_add(problems->errors, "%s: %s: given again in line %u, allowed: once",
                   problems->file, duplicate->path, duplicate->line);
}

static void check_level_order(const struct config *config,
                              const struct setting_problems *problems)
{
    static const char *const keys[LEVEL_COUNT] = {[LEVEL_ELEVATED] = "level.elevated",
                                                  [LEVEL_STRESSED] = "level.stressed",
                                                  [LEVEL_CRITICAL] = "level.critical"};
    const double *threshold = config->level.threshold;
    for (enum level level = LEVEL_STRESSED; level < LEVEL_COUNT; level++)
        if (threshold[level] < threshold[level - 1])
            error_list_add(problems->errors, "%s: %s: %g is below %s, allowed: %g or more",
                           problems->file, keys[level], threshold[level], keys[level - 1],
                           threshold[level - 1]);
}

static void check_ceilings(const struct config *config, const struct setting_problems *problems)
{
    const double *ceiling = config->admission.ceiling;
    if (ceiling[CLASS_UNKNOWN] > ceiling[CLASS_GOOD])
        error_list_add(problems->errors,
                       "%s: admission.ceiling.unknown: %g is above admission.ceiling.good, "
                       "allowed: %g or less",
                       problems->file, ceiling[CLASS_UNKNOWN], ceiling[CLASS_GOOD]);
}

static void check_listeners(const struct config *config,
                            const struct setting_problems *problems)
{
    for (size_t i = 0; i < config->policyd.listen.count; i++)
        if (endpoint_equals(&config->policyd.listen.items[i], &config->milter.listen))
            error_list_add(problems->errors,
                           "%s: milter.listen: \"%s\" is in policyd.listen too, allowed: an "
                           "endpoint of its own",
                           problems->file, config->milter.listen.text);
}

static void check_socketmap(const struct config *config,
                            const struct setting_problems *problems)
{
    for (size_t i = 0; i < config->socketmap.listen.count; i++) {
        const struct endpoint *endpoint = &config->socketmap.listen.items[i];
        bool is_used = endpoint_equals(endpoint, &config->milter.listen);
        for (size_t j = 0; j < config->policyd.listen.count; j++)
            is_used = is_used || endpoint_equals(endpoint, &config->policyd.listen.items[j]);
        if (is_used)
            error_list_add(problems->errors,
                           "%s: socketmap.listen[%zu]: \"%s\" is used by another protocol, "
                           "allowed: an endpoint of its own",
                           problems->file, i, endpoint->text);
    }
}

/* What no single row of the table can say. */
static void derive_and_check(struct config *config, const struct setting_problems *problems)
{
    config->admission.ceiling[CLASS_BOT] = config->admission.ceiling[CLASS_UNKNOWN];
    config->admission.ceiling[CLASS_TRUSTED] = config->admission.ceiling[CLASS_GOOD];
    check_level_order(config, problems);
    check_ceilings(config, problems);
    check_listeners(config, problems);
    check_socketmap(config, problems);
    rbl_settings_compile(&config->rbl, problems);
}

struct config *config_load_with(const char *name, struct slice text,
                                config_read_files *read_files, struct error_list *errors)
{
    struct setting_problems problems = {name, errors};
    size_t errors_before = errors->count + errors->omitted;

    json_t *root = parse_json(name, text, errors);
    if (!root)
        return NULL;
    struct config *config = memory_allocate(1, sizeof(*config));
    settings_read_defaults(config, &problems);
    if (!json_duplicates_find(text, report_duplicate, &problems))
        error_list_add(errors, "%s: too deep, allowed: %d objects in one another", name,
                       JSON_DEPTH_MAX);
    settings_read(config, root, &problems);
    json_decref(root);
    derive_and_check(config, &problems);
    if (read_files)
        read_files(config, &problems);
    if (errors->count + errors->omitted > errors_before) {
        config_free(config);
        return NULL;
    }
    return config;
}

struct config *config_load_text(const char *name, const char *text, size_t length,
                                struct error_list *errors)
{
    return config_load_with(name, (struct slice){text, length}, NULL, errors);
}

void config_print(const struct config *config, FILE *stream)
{
    json_t *root = settings_write(config);
    json_dumpf(root, stream, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
    fputc('\n', stream);
    json_decref(root);
}

bool network_list_contains(const struct network_list *list, const struct address *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (network_contains(&list->items[i], address))
            return true;
    return false;
}
