#include "common/config.h"

#include "common/endpoint.h"
#include "common/json_duplicates.h"
#include "common/memory.h"
#include "common/rbl_settings.h"
#include "common/reply_text.h"
#include "common/settings.h"
#include "common/verify_settings.h"

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
    reply_settings_release(&config->reply);
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

static void check_level_order(const struct level_settings *level, const char *prefix,
                              const struct setting_problems *problems)
{
    const double *threshold = level->threshold;
    for (enum level i = LEVEL_STRESSED; i < LEVEL_COUNT; i++)
        if (threshold[i] < threshold[i - 1])
            error_list_add(problems->errors,
                           "%s: %slevel.%s: %g is below %slevel.%s, allowed: %g or more",
                           problems->file, prefix, level_name(i), threshold[i], prefix,
                           level_name(i - 1), threshold[i - 1]);
}

const struct service_settings *service_list_find(const struct service_list *services,
                                                 int64_t port)
{
    for (size_t i = 0; i < services->count; i++)
        if (services->items[i].port == port)
            return &services->items[i];
    return NULL;
}

/* Where a service has the default levels, these were checked already. */
static void check_service_levels(const struct config *config, size_t index,
                                 const struct setting_problems *problems)
{
    const struct level_settings *level = &config->services.items[index].level;
    char prefix[32];
    bool is_default = true;
    for (enum level i = LEVEL_ELEVATED; i < LEVEL_COUNT; i++)
        is_default = is_default && !(level->threshold[i] < config->level.threshold[i]) &&
                     !(level->threshold[i] > config->level.threshold[i]);
    snprintf(prefix, sizeof(prefix), "services[%zu].", index);
    if (!is_default)
        check_level_order(level, prefix, problems);
}

static void check_services(const struct config *config, const struct setting_problems *problems)
{
    const struct service_settings *services = config->services.items;
    for (size_t i = 0; i < config->services.count; i++) {
        check_service_levels(config, i, problems);
        for (size_t j = 0; j < i; j++) {
            if (services[i].port == services[j].port)
                error_list_add(problems->errors,
                               "%s: services[%zu].port: %d is that of services[%zu] too, "
                               "allowed: a port of its own",
                               problems->file, i, (int)services[i].port, j);
            if (strcmp(services[i].name, services[j].name) == 0)
                error_list_add(problems->errors,
                               "%s: services[%zu].name: \"%s\" is that of services[%zu] too, "
                               "allowed: a name of its own",
                               problems->file, i, services[i].name, j);
        }
    }
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

static bool is_in_list(const struct endpoint *endpoint, const struct endpoint_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (endpoint_equals(endpoint, &list->items[i]))
            return true;
    return false;
}

/* key: of list, which shares no endpoint with those before it. */
static void check_own_endpoints(const struct config *config, const char *key,
                                const struct endpoint_list *list,
                                const struct setting_problems *problems)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct endpoint *endpoint = &list->items[i];
        if (endpoint_equals(endpoint, &config->milter.listen) ||
            is_in_list(endpoint, &config->policyd.listen) ||
            (list != &config->socketmap.listen &&
             is_in_list(endpoint, &config->socketmap.listen)))
            error_list_add(problems->errors,
                           "%s: %s[%zu]: \"%s\" is used by another protocol, "
                           "allowed: an endpoint of its own",
                           problems->file, key, i, endpoint->text);
    }
}

/* What no single row of the table can say. */
static void derive_and_check(struct config *config, const struct setting_problems *problems)
{
    config->admission.ceiling[CLASS_BOT] = config->admission.ceiling[CLASS_UNKNOWN];
    config->admission.ceiling[CLASS_TRUSTED] = config->admission.ceiling[CLASS_GOOD];
    config->service.level = config->level;
    check_level_order(&config->level, "", problems);
    check_services(config, problems);
    check_ceilings(config, problems);
    check_listeners(config, problems);
    check_own_endpoints(config, "socketmap.listen", &config->socketmap.listen, problems);
    check_own_endpoints(config, "http.listen", &config->http.listen, problems);
    check_own_endpoints(config, "verify.listen", &config->verify.listen, problems);
    verify_settings_check(config, problems);
    rbl_settings_compile(&config->rbl, problems);
    reply_settings_compile(&config->reply, problems);
}

struct config *config_load_with(const char *name, struct slice text,
                                config_read_files *read_files, struct error_list *errors)
{
    struct setting_problems problems = {name, errors, NULL};
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
