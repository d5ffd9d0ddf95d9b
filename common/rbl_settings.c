#include "common/rbl_settings.h"

#include "common/address.h"
#include "common/memory.h"
#include "common/rbl_plan.h"
#include "common/rbl_reply_map.h"
#include "common/rbl_template.h"
#include "common/settings.h"

#include <stdlib.h>

#define CHECK_ALLOWED "\"RESTRICTION DOMAIN[=FILTER][*WEIGHT]\""
#define TEST_ALLOWED  "\"ZONE off\" or \"ZONE LISTED UNLISTED\""
#define LAST_RESORT   "554 5.7.1 Service unavailable"

static void report_item(const struct setting_problems *problems, const char *key, size_t item,
                        const char *text, const char *what, const char *allowed)
{
    error_list_add(problems->errors, "%s: %s[%zu]: \"%s\": %s, allowed: %s", problems->file,
                   key, item, text, what, allowed);
}

/* Postfix ends smtpd(8) for a filter that it does not understand. */
static bool is_for_postfix(const struct rbl_check *check)
{
    return check->argument[check->domain_length] == '\0' ||
           check->argument[check->domain_length + 1] != '{';
}

static void compile_checks(struct rbl_settings *settings,
                           const struct setting_problems *problems)
{
    struct rbl_plan *plan = settings->plan;
    struct error error;
    for (size_t i = 0; i < settings->checks.count; i++) {
        const char *text = settings->checks.items[i];
        if (!rbl_plan_add_check(plan, slice_from_string(text), &error))
            report_item(problems, "rbl.checks", i, text, error.text, CHECK_ALLOWED);
        else if (settings->action == RBL_ACTION_POSTFIX &&
                 !is_for_postfix(&plan->checks[plan->check_count - 1]))
            report_item(problems, "rbl.checks", i, text,
                        "Postfix does not know filters in braces",
                        "one pattern where rbl.action is \"postfix\"");
    }
    if (plan->check_count == settings->checks.count && !rbl_plan_check(plan, &error))
        error_list_add(problems->errors,
                       "%s: rbl.threshold: %s in rbl.checks, allowed: what they can reach",
                       problems->file, error.text);
    if (plan->check_count < settings->checks.count)
        return; /* the zone of a test point may be in a check that has just been reported */
    for (size_t i = 0; i < settings->test_points.count; i++) {
        const char *text = settings->test_points.items[i];
        if (!rbl_plan_set_test(plan, slice_from_string(text), &error))
            report_item(problems, "rbl.test_points", i, text, error.text, TEST_ALLOWED);
    }
}

static void compile_default_reply(struct rbl_settings *settings,
                                  const struct setting_problems *problems)
{
    struct error error;
    int code = (int)settings->code;
    settings->default_template =
        rbl_template_compile(slice_from_string(settings->default_reply), code, &error);
    if (settings->default_template)
        return;
    error_list_add(problems->errors,
                   "%s: rbl.default_reply: %s, allowed: a template as of default_rbl_reply in "
                   "postconf(5)",
                   problems->file, error.text);
    settings->default_template = rbl_template_compile(SLICE_LITERAL(LAST_RESORT), code, &error);
}

static void check_nameservers(const struct rbl_settings *settings,
                              const struct setting_problems *problems)
{
    for (size_t i = 0; i < settings->nameservers.count; i++) {
        const struct endpoint *endpoint = &settings->nameservers.items[i];
        struct address address;
        if (endpoint->type != ENDPOINT_INET ||
            !address_parse(slice_from_string(endpoint->host), &address))
            report_item(problems, "rbl.nameservers", i, endpoint->text, "is no address",
                        "\"inet:ADDRESS:PORT\"");
    }
}

static void check_lifetimes(const struct rbl_settings *settings,
                            const struct setting_problems *problems)
{
    static const char format[] = "%s: %s: %lld is below rbl.ttl_min_s, allowed: %lld or more";
    if (settings->ttl_max_s < settings->ttl_min_s)
        error_list_add(problems->errors, format, problems->file, "rbl.ttl_max_s",
                       (long long)settings->ttl_max_s, (long long)settings->ttl_min_s);
    if (settings->negative_ttl_max_s < settings->ttl_min_s)
        error_list_add(problems->errors, format, problems->file, "rbl.negative_ttl_max_s",
                       (long long)settings->negative_ttl_max_s, (long long)settings->ttl_min_s);
}

void rbl_settings_compile(struct rbl_settings *settings,
                          const struct setting_problems *problems)
{
    settings->deadline_ms[LEVEL_ELEVATED] = settings->deadline_ms[LEVEL_CALM];
    settings->deadline_ms[LEVEL_CRITICAL] = settings->deadline_ms[LEVEL_STRESSED];
    settings->plan = memory_allocate(1, sizeof(*settings->plan));
    rbl_plan_init(settings->plan, (int)settings->threshold);
    compile_checks(settings, problems);
    compile_default_reply(settings, problems);
    check_nameservers(settings, problems);
    check_lifetimes(settings, problems);
}

void rbl_settings_release(struct rbl_settings *settings)
{
    free(settings->plan);
    macro_free(settings->default_template);
    for (enum level level = LEVEL_CALM; level < LEVEL_COUNT; level++)
        rbl_reply_map_free(settings->reply_maps[level]);
}

const struct macro *rbl_settings_mapped_template(const struct rbl_settings *settings,
                                                 enum level level, struct slice argument)
{
    for (int i = (int)level; i >= LEVEL_CALM; i--)
        if (settings->reply_maps[i])
            return rbl_reply_map_find(settings->reply_maps[i], argument);
    return NULL;
}

const struct macro *rbl_settings_template(const struct rbl_settings *settings, enum level level,
                                          struct slice argument)
{
    const struct macro *template = rbl_settings_mapped_template(settings, level, argument);
    return template ? template : settings->default_template;
}
