/* The settings of DNS lists, and the files they name. */
#include "common/config.h"
#include "common/error_list.h"
#include "common/rbl_plan.h"
#include "common/rbl_settings.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <unistd.h>

static struct error_list errors;
static char directory[] = "/tmp/pvXXXXXX";

static struct config *load(const char *text)
{
    error_list_init(&errors);
    return config_load_text("f", text, strlen(text), &errors);
}

static void test_defaults(void)
{
    struct config *config = config_default();
    const struct rbl_settings *rbl = &config->rbl;
    ok(rbl->plan && rbl->plan->check_count == 0 && rbl->plan->query_count == 0, "no checks");
    ok(rbl->action == RBL_ACTION_REPLY && rbl->threshold == 0 && rbl->code == 554, "replies");
    ok(slice_equals(macro_text(rbl_settings_template(rbl, LEVEL_CALM, SLICE_LITERAL("a"))),
                    SLICE_LITERAL("$rbl_code Service unavailable; $rbl_class [$rbl_what] "
                                  "blocked using $rbl_domain${rbl_reason?; $rbl_reason}")),
       "default reply");
    ok(!rbl_settings_mapped_template(rbl, LEVEL_CRITICAL, SLICE_LITERAL("a")), "no maps");
    ok(rbl->deadline_ms[LEVEL_CALM] == 1500 && rbl->deadline_ms[LEVEL_ELEVATED] == 1500 &&
           rbl->deadline_ms[LEVEL_STRESSED] == 300 && rbl->deadline_ms[LEVEL_CRITICAL] == 300,
       "deadlines");
    ok(rbl->nameservers.count == 0 && rbl->cache_entries == 100000 && rbl->ttl_min_s == 60 &&
           rbl->ttl_max_s == 86400 && rbl->negative_ttl_max_s == 3600 &&
           rbl->test_interval_s == 300 && rbl->retry_s == 60,
       "names, cache and tests");
    ok(config->socketmap.listen.count == 0 && config->socketmap.socket.mode == 0660,
       "socketmap");
    config_free(config);
}

static void test_plan(void)
{
    struct config *config = load(
        "{\"rbl\": {\"checks\": [\"permit_dnswl_client w.example\", \"reject_rbl_client "
        "a.example=127.0.0.[10..11]*2\", \"reject_rbl_client a.example\"], \"threshold\": "
        "3, \"test_points\": [\"w.example off\"], \"nameservers\": [\"inet:127.0.0.1:53\", "
        "\"inet:[::1]:5353\"]}}");
    if (!ok(config != NULL, "a configuration")) {
        error_list_print(&errors, "#", stdout);
        return;
    }
    const struct rbl_plan *plan = config->rbl.plan;
    ok(plan->threshold == 3 && plan->check_count == 3 && plan->query_count == 2, "a plan");
    ok(!plan->lists[0].listed_name[0] && plan->lists[1].listed_name[0], "test points");
    is_number(config->rbl.nameservers.count, 2, "name servers");
    config_free(config);
}

static const struct {
    const char *text, *problems[4];
} wrong[] = {
    {"{\"rbl\": {\"checks\": [\"reject_rbl_client a.example\", \"x\", \"reject_rbl_client "
     "b.example=1\", \"reject_rbl_client A.example\"], \"test_points\": [\"b.example off\"]}}",
     {"f: rbl.checks[1]: \"x\": no restriction of a DNS list: \"x\", allowed: \"RESTRICTION "
      "DOMAIN[=FILTER][*WEIGHT]\"",
      "f: rbl.checks[2]: \"reject_rbl_client b.example=1\": \".\" expected at the end of the "
      "filter, allowed: \"RESTRICTION DOMAIN[=FILTER][*WEIGHT]\"",
      "f: rbl.checks[3]: \"reject_rbl_client A.example\": is in the list twice, allowed: "
      "\"RESTRICTION DOMAIN[=FILTER][*WEIGHT]\""}},
    {"{\"rbl\": {\"checks\": [5, \"\", \"a\\u0007\"], \"test_points\": {}}}",
     {"f: rbl.checks[0]: an integer, allowed: a string of 1 to 1023 printable ASCII characters",
      "f: rbl.checks[1]: has 0 bytes, allowed: a string of 1 to 1023 printable ASCII "
      "characters",
      "f: rbl.checks[2]: \"a\\x07\" has other characters, allowed: a string of 1 to 1023 "
      "printable ASCII characters",
      "f: rbl.test_points: an object, allowed: a list of at most 32 strings"}},
    {"{\"rbl\": {\"checks\": [\"reject_rbl_client a.example\"], \"threshold\": 2, "
     "\"test_points\": [\"b.example off\", \"a.example\"]}}",
     {"f: rbl.threshold: 2 is above the sum of all weights in rbl.checks, allowed: what they "
      "can "
      "reach",
      "f: rbl.test_points[0]: \"b.example off\": no check refers to this zone, allowed: \"ZONE "
      "off\" or \"ZONE LISTED UNLISTED\"",
      "f: rbl.test_points[1]: \"a.example\": neither \"ZONE off\" nor \"ZONE LISTED "
      "UNLISTED\", allowed: \"ZONE off\" or \"ZONE LISTED UNLISTED\""}},
    {"{\"rbl\": {\"default_reply\": \"no code\", \"nameservers\": [\"inet:ns.example:53\", "
     "\"unix:/x\"]}}",
     {"f: rbl.default_reply: the reply can begin with \"no c\": it has to be a code 4xx or 5xx "
      "and a space, whatever the values are, allowed: a template as of default_rbl_reply in "
      "postconf(5)",
      "f: rbl.nameservers[0]: \"inet:ns.example:53\": is no address, allowed: "
      "\"inet:ADDRESS:PORT\"",
      "f: rbl.nameservers[1]: \"unix:/x\": is no address, allowed: \"inet:ADDRESS:PORT\""}},
    {"{\"rbl\": {\"ttl_min_s\": 7200, \"ttl_max_s\": 7199}}",
     {"f: rbl.ttl_max_s: 7199 is below rbl.ttl_min_s, allowed: 7200 or more",
      "f: rbl.negative_ttl_max_s: 3600 is below rbl.ttl_min_s, allowed: 7200 or more"}},
    {"{\"rbl\": {\"action\": \"postfix\", \"checks\": [\"reject_rbl_client "
     "a.example={127.0.0.2 "
     "127.0.0.3}\", \"reject_rbl_client a.example=127.0.0.2\", \"reject_rbl_client "
     "a.example\"]}}",
     {"f: rbl.checks[0]: \"reject_rbl_client a.example={127.0.0.2 127.0.0.3}\": Postfix does "
      "not know filters in braces, allowed: one pattern where rbl.action is \"postfix\""}},
    {"{\"socketmap\": {\"listen\": [\"unix:/s\", \"inet:127.0.0.1:10031\", "
     "\"inet:127.0.0.1:10032\"]}}",
     {"f: socketmap.listen[1]: \"inet:127.0.0.1:10031\" is used by another protocol, allowed: "
      "an endpoint of its own",
      "f: socketmap.listen[2]: \"inet:127.0.0.1:10032\" is used by another protocol, allowed: "
      "an endpoint of its own"}},
};

static void is_problem_list(const char *const problems[4])
{
    size_t count = 0;
    while (count < 4 && problems[count])
        count++;
    is_number(errors.count, count, "... with as many problems");
    for (size_t i = 0; i < count && i < errors.count; i++)
        is_string(errors.errors[i].text, problems[i], "... namely");
}

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ok(!load(wrong[i].text), "refused: %s", wrong[i].text);
        is_problem_list(wrong[i].problems);
    }
}

/* Files */

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* The configuration with these files in place of their names. */
static struct config *load_with(const char *rbl)
{
    write_file("conf", rbl);
    error_list_init(&errors);
    return config_load(path_of("conf"), &errors);
}

static bool is_template(const struct rbl_settings *rbl, enum level level, const char *argument,
                        const char *expected)
{
    char text[256];
    const struct macro *template =
        rbl_settings_template(rbl, level, slice_from_string(argument));
    slice_copy_string(macro_text(template), text, sizeof(text));
    return is_string(text, expected, level_name(level));
}

static void test_maps(void)
{
    char text[1024];
    write_file("calm", "zen.example 554 calm\nzen.example=127.0.0.10 554 calm bot\n");
    write_file("stressed", "zen.example=127.0.0.10 521 stressed\n");
    snprintf(text, sizeof(text),
             "{\"rbl\": {\"default_reply\": \"450 default\", \"reply_maps\": {\"calm\": "
             "\"%s/calm\", \"stressed\": \"%s/stressed\"}}}",
             directory, directory);
    struct config *config = load_with(text);
    if (!ok(config != NULL, "two maps")) {
        error_list_print(&errors, "#", stdout);
        return;
    }
    const struct rbl_settings *rbl = &config->rbl;
    is_template(rbl, LEVEL_CALM, "zen.example=127.0.0.10", "554 calm bot");
    is_template(rbl, LEVEL_CALM, "zen.example=127.0.0.11", "554 calm");
    is_template(rbl, LEVEL_ELEVATED, "zen.example=127.0.0.10", "554 calm bot");
    is_template(rbl, LEVEL_STRESSED, "zen.example=127.0.0.10", "521 stressed");
    is_template(rbl, LEVEL_STRESSED, "zen.example=127.0.0.11", "450 default");
    is_template(rbl, LEVEL_CRITICAL, "zen.example=127.0.0.10", "521 stressed");
    is_template(rbl, LEVEL_CALM, "other.example", "450 default");
    ok(!rbl_settings_mapped_template(rbl, LEVEL_CALM, SLICE_LITERAL("other.example")),
       "no map has it");
    config_free(config);
}

/* Everything that is wrong is said at once, in all files. */
static void test_wrong_maps(void)
{
    char text[1024], problems[3][512];
    write_file("bad", "a.example 554 x\nb.example OK\n");
    snprintf(text, sizeof(text),
             "{\"rbl\": {\"checks\": [\"x\"], \"reply_maps\": {\"calm\": \"%s/none\", "
             "\"critical\": \"%s/bad\"}}}",
             directory, directory);
    snprintf(problems[0], sizeof(problems[0]),
             "%s/conf: rbl.checks[0]: \"x\": no restriction of a DNS list: \"x\", allowed: "
             "\"RESTRICTION DOMAIN[=FILTER][*WEIGHT]\"",
             directory);
    snprintf(
        problems[1], sizeof(problems[1]),
        "%s/conf: rbl.reply_maps.calm: %s/none: No such file or directory, allowed: a file "
        "that can be read",
        directory, directory);
    snprintf(problems[2], sizeof(problems[2]),
             "%s/bad:2: template of \"b.example\": the reply can begin with \"OK\": it has to "
             "be a code 4xx or 5xx and a space, whatever the values are",
             directory);
    ok(!load_with(text), "wrong checks, a missing map and a bad one");
    is_problem_list((const char *const[4]){problems[0], problems[1], problems[2], NULL});
}

int main(void)
{
    if (!mkdtemp(directory))
        abort();
    test_defaults();
    test_plan();
    test_wrong();
    test_maps();
    test_wrong_maps();
    static const char *const files[] = {"conf", "calm", "stressed", "bad"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(path_of(files[i]));
    rmdir(directory);
    return done_testing();
}
