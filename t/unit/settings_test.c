/* The table of settings, row by row, and files that are right. */
#include "common/settings.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct config *load(const char *text, struct error_list *errors)
{
    error_list_init(errors);
    return config_load_text("f", text, strlen(text), errors);
}

/* The value of a setting as JSON text; the caller frees it. */
static char *effective_text(const struct setting *setting, const struct config *config)
{
    json_t *value = setting_write(setting, config);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(value);
    if (!text)
        abort();
    return text;
}

/* Every row */

static bool has_group_heading(const struct setting *setting)
{
    size_t length = strcspn(setting->key, ".");
    if (setting->key[length] == '\0')
        length = 0;
    for (size_t i = 0; i < setting_groups_count; i++)
        if (strlen(setting_groups[i].key) == length &&
            strncmp(setting_groups[i].key, setting->key, length) == 0)
            return true;
    return false;
}

/* The rows of a list's items: as the others, but for defaults that they inherit. */
static void test_item_rows(const struct setting *list)
{
    for (size_t i = 0; i < list->item->count; i++) {
        const struct setting *setting = &list->item->rows[i];
        const struct setting *origin =
            setting->inherits ? setting_find(setting->inherits) : NULL;
        char allowed[SETTING_ALLOWED_SIZE], of_origin[SETTING_ALLOWED_SIZE] = "";
        ok(setting->inherits || setting->default_text, "%s[].%s: has a default", list->key,
           setting->key);
        ok(!setting->inherits || (origin && origin->type == setting->type), "... of its type");
        setting_format_allowed(setting, allowed);
        if (origin)
            setting_format_allowed(origin, of_origin);
        is_string(allowed, origin ? of_origin : allowed, "... and as much allowed");
        ok(setting->help[strlen(setting->help) - 1] == '.', "... help");
        ok(setting->offset < list->item->size, "... a field");
    }
}

static void test_rows(void)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        const char *key = setting->key;
        char allowed[SETTING_ALLOWED_SIZE];
        ok(setting_find(key) == setting, "%s: one row has this key", key);
        ok(!setting_is_group(key), "%s: is no group", key);
        ok(strlen(key) < SETTING_KEY_SIZE, "%s: key fits", key);
        ok(has_group_heading(setting), "%s: has a heading", key);
        size_t length = strlen(setting->help);
        ok(length > 20 && setting->help[length - 1] == '.', "%s: has help", key);
        setting_format_allowed(setting, allowed);
        ok(strlen(allowed) > 5 && strlen(allowed) < SETTING_ALLOWED_SIZE - 1,
           "%s: says what is allowed", key);
        ok(setting->minimum <= setting->maximum || setting->type == SETTING_ENDPOINT,
           "%s: minimum <= maximum", key);
        ok((setting->type == SETTING_OBJECT_LIST) == (setting->item != NULL), "%s: items", key);
        if (setting->item)
            test_item_rows(setting);
        ok((setting->type == SETTING_ENUM) == (setting->names != NULL), "%s: names", key);
        for (size_t j = 0; j < i; j++)
            if (settings_table[j].offset == setting->offset)
                ok(false, "%s: has the field of %s", key, settings_table[j].key);
    }
}

static void test_enum_names(void)
{
    const char *const *modes = setting_find("mode")->names;
    for (enum mode mode = MODE_ENFORCE; mode <= MODE_OFF; mode++)
        is_string(modes[mode], mode_name(mode), "name of a mode");
    const char *const *levels = setting_find("admission.bot_level")->names;
    for (enum level level = LEVEL_CALM; level < LEVEL_COUNT; level++)
        is_string(levels[level], level_name(level), "name of a level");
    ok(!levels[LEVEL_COUNT], "no more levels");
}

/* Values that have to have a meaning beyond what the row says; "": needs other settings. */
static const struct {
    const char *key, *value;
} special_values[] = {
    {"rbl.checks", "[\"reject_rbl_client a.example\"]"},
    {"rbl.default_reply", "\"450 x\""},
    {"rbl.nameservers", "[\"inet:127.0.0.1:53\"]"},
    {"rbl.test_points", ""},
    {"verify.domains", ""},
    {"verify.sender_domains", ""},
};

static const char *find_special_value(const struct setting *setting)
{
    for (size_t i = 0; i < sizeof(special_values) / sizeof(special_values[0]); i++)
        if (strcmp(special_values[i].key, setting->key) == 0)
            return special_values[i].value;
    return NULL;
}

/* A value that the row allows and that is not its default. */
static void format_other_value(const struct setting *setting, char *out, size_t out_size)
{
    double number = strtod(setting->default_text, NULL);
    switch (setting->type) {
    case SETTING_BOOLEAN:
        snprintf(out, out_size, "%s", setting->default_text[0] == 't' ? "false" : "true");
        break;
    case SETTING_INTEGER:
    case SETTING_SLOT_LIMIT:
        snprintf(out, out_size, "%.0f",
                 number < setting->maximum ? number + 1 : setting->minimum);
        break;
    case SETTING_NUMBER: /* smaller, but still in the order that levels and ceilings need */
        snprintf(out, out_size, "%.4f", number > 0 ? number * 0.9375 : 0.5);
        break;
    case SETTING_ENUM: {
        char first[32];
        snprintf(first, sizeof(first), "\"%s\"", setting->names[0]);
        bool is_default = strcmp(first, setting->default_text) == 0;
        snprintf(out, out_size, "\"%s\"", setting->names[is_default]);
        break;
    }
    case SETTING_MODE:
        snprintf(out, out_size, "\"0604\"");
        break;
    case SETTING_STRING:
        snprintf(out, out_size, "\"x1\"");
        break;
    case SETTING_PATH:
        snprintf(out, out_size, "\"/x\"");
        break;
    case SETTING_REPLY:
        snprintf(out, out_size, "\"%c.9.99 x\"", setting->reply_class);
        break;
    case SETTING_ENDPOINT:
        snprintf(out, out_size, "\"unix:/x\"");
        break;
    case SETTING_ENDPOINT_LIST:
        snprintf(out, out_size, "[\"unix:/x\", \"inet:[::1]:1\"]");
        break;
    case SETTING_NETWORK_LIST:
        snprintf(out, out_size, "[\"192.0.2.0/24\", \"2001:db8::/32\"]");
        break;
    case SETTING_STRING_LIST:
        snprintf(out, out_size, "[\"x1\", \"x2\"]");
        break;
    case SETTING_OBJECT_LIST:
        snprintf(out, out_size,
                 "[{\"name\":\"x1\",\"port\":2,\"slot_limit\":\"auto\","
                 "\"postfix_config_directory\":\"/x\",\"level\":{\"elevated\":0.25,"
                 "\"stressed\":0.5,\"critical\":0.75,\"sustain_ms\":1,\"hold_s\":2}}]");
        break;
    default:
        abort();
    }
}

/* {"a":{"b":VALUE}} for "a.b". */
static void format_file(const char *key, const char *value, char *out, size_t out_size)
{
    size_t depth = 0;
    int length = 0;
    for (;; key += strcspn(key, ".") + 1) {
        size_t part = strcspn(key, ".");
        length +=
            snprintf(out + length, out_size - (size_t)length, "{\"%.*s\":", (int)part, key);
        depth++;
        if (key[part] == '\0')
            break;
    }
    length += snprintf(out + length, out_size - (size_t)length, "%s", value);
    while (depth-- > 0)
        length += snprintf(out + length, out_size - (size_t)length, "}");
}

/* How many settings have another value than by default. Those that inherit it are not counted.
 */
static size_t count_changed(const struct config *config, const struct config *defaults,
                            const struct setting *expected)
{
    size_t changed = 0;
    for (size_t i = 0; i < settings_count; i++) {
        if (settings_table[i].type == SETTING_OBJECT_LIST && &settings_table[i] != expected)
            continue;
        char *text = effective_text(&settings_table[i], config);
        char *default_text = effective_text(&settings_table[i], defaults);
        changed += strcmp(text, default_text) != 0;
        free(text);
        free(default_text);
    }
    return changed;
}

/* Each setting sets its own field, and no other. */
static void test_each_setting(void)
{
    struct config *defaults = config_default();
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        struct error_list errors;
        const char *special = find_special_value(setting);
        char value[256], file[384];
        if (special && special[0] == '\0')
            continue;
        if (special)
            snprintf(value, sizeof(value), "%s", special);
        else
            format_other_value(setting, value, sizeof(value));
        format_file(setting->key, value, file, sizeof(file));
        struct config *config = load(file, &errors);
        if (!ok(config != NULL, "%s", file)) {
            error_list_print(&errors, "#", stdout);
            continue;
        }
        json_t *expected = json_loads(value, JSON_DECODE_ANY, NULL);
        json_t *got = setting_write(setting, config);
        ok(setting->is_secret || json_equal(got, expected) || json_is_real(expected),
           "... is written as it was read");
        ok(count_changed(config, defaults, setting) == 1, "... and is all that changed");
        json_decref(expected);
        json_decref(got);
        config_free(config);
    }
    config_free(defaults);
}

/* Whole files */

static void test_defaults(void)
{
    struct config *config = config_default();
    is_string(config->user, "", "user");
    ok(config->log_target == LOG_TARGET_SYSLOG && !config->is_log_verbose, "log");
    is_string(config->service.name, "smtp", "service.name");
    ok(config->service.slot_limit == SLOT_LIMIT_AUTO, "service.slot_limit");
    ok(config->services.count == 1 && config->services.items[0].port == 25 &&
           config->services.items[0].slot_limit == SLOT_LIMIT_AUTO,
       "services");
    is_string(config->services.items[0].name, "smtp", "its name");
    is_number(config->services.items[0].level.threshold[LEVEL_STRESSED], 0.8, "its level");
    ok(config->services.items[0].level.hold_ms == 30000, "its hold time");
    ok(config->cluster.follow == CLUSTER_FOLLOW_OFF &&
           !config->control.is_postfix_stress_allowed,
       "nothing that others could do to us");
    ok(config->policyd.listen.count == 1 && config->policyd.listen.items[0].port == 10031,
       "policyd.listen");
    ok(config->policyd.socket.mode == 0660, "policyd.socket.mode");
    ok(config->milter.listen.port == 10032, "milter.listen");
    ok(config->redis.server.port == 6379, "redis.server");
    is_string(config->redis.prefix, "pv:", "redis.prefix");
    ok(config->allow.count == 0, "trusted.allow");
    ok(config->level.hold_ms == 30000 && config->level.sustain_ms == 100, "level times");
    is_number(config->level.threshold[LEVEL_CALM], 0, "calm has no threshold");
    is_number(config->level.threshold[LEVEL_STRESSED], 0.8, "level.stressed");
    is_number(config->client_class.weight[EVIDENCE_DROPPED], 0.2, "class.weight.dropped");
    is_number(config->client_class.weight[EVIDENCE_ACCEPTED], 0, "good evidence has no weight");
    is_number(config->admission.ceiling[CLASS_GOOD], 1, "admission.ceiling.good");
    is_number(config->admission.ceiling[CLASS_UNKNOWN], 0.8, "admission.ceiling.unknown");
    is_number(config->admission.ceiling[CLASS_BOT], 0.8, "a bot has the ceiling of unknown");
    ok(config->admission.mode == MODE_ENFORCE && config->admission.bot_level == LEVEL_ELEVATED,
       "admission");
    config_free(config);
    config_free(NULL);
}

static void test_default_networks(void)
{
    static const char *const trusted[] = {
        "127.0.0.1",   "127.9.9.9",   "::1",     "10.1.2.3", "172.31.0.1",     "192.168.1.1",
        "100.127.0.1", "169.254.0.1", "fe80::1", "fd00::1",  "::ffff:10.0.0.1"};
    static const char *const others[] = {"192.0.2.1", "172.32.0.1",  "100.128.0.1",
                                         "8.8.8.8",   "2001:db8::1", "::2"};
    struct config *config = config_default();
    struct address address;
    for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]); i++)
        ok(address_parse(slice_from_string(trusted[i]), &address) &&
               network_list_contains(&config->trusted_networks, &address),
           "%s is trusted", trusted[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ok(address_parse(slice_from_string(others[i]), &address) &&
               !network_list_contains(&config->trusted_networks, &address),
           "%s is not", others[i]);
    config_free(config);
}

/* What a service does not say is what holds for all, wherever in the file that stands. */
static void test_services(void)
{
    static const char file[] =
        "{\"services\": [{\"name\": \"smtp\", \"slot_limit\": 50},"
        " {\"name\": \"[::1]:587\", \"port\": 587, \"level\": {\"hold_s\": 5, \"stressed\": "
        "0.9}}],"
        " \"level\": {\"elevated\": 0.5, \"hold_s\": 60},"
        " \"service\": {\"postfix_config_directory\": \"/etc/postfix-in\", \"slot_limit\": 7}}";
    struct error_list errors;
    struct config *config = load(file, &errors);
    if (!ok(config && config->services.count == 2, "two services")) {
        error_list_print(&errors, "#", stdout);
        return;
    }
    const struct service_settings *smtp = &config->services.items[0], *other = smtp + 1;
    ok(smtp->port == 25 && smtp->slot_limit == 50, "the first: its own limit, the usual port");
    ok(other->port == 587 && other->slot_limit == 7,
       "the second: its own port, the limit of all");
    is_string(other->name, "[::1]:587", "its name");
    is_string(other->postfix_config_directory, "/etc/postfix-in", "the directory of all");
    ok(smtp->level.hold_ms == 60000 && other->level.hold_ms == 5000, "hold times");
    is_number(smtp->level.threshold[LEVEL_ELEVATED], 0.5, "elevated, as for all");
    is_number(other->level.threshold[LEVEL_ELEVATED], 0.5, "elevated, as for all");
    is_number(other->level.threshold[LEVEL_STRESSED], 0.9, "stressed, its own");
    ok(other->level.sustain_ms == 100, "sustain time");
    config_free(config);

    config = load("{\"service\": {\"port\": 2525}, \"level\": {\"critical\": 2}}", &errors);
    ok(config && config->services.count == 1 && config->services.items[0].port == 2525,
       "no services: one with the defaults");
    is_number(config->services.items[0].level.threshold[LEVEL_CRITICAL], 2, "its level");
    config_free(config);
}

static char *print_to_string(const struct config *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        abort();
    config_print(config, stream);
    fclose(stream);
    return text;
}

static void test_print(void)
{
    static const char file[] =
        "{\"mode\": \"observe\", \"redis\": {\"password\": \"Geheim1\", \"server\": \"\"},"
        " \"policyd\": {\"socket\": {\"mode\": \"600\"}}, \"level\": {\"hold_s\": 7},"
        " \"trusted\": {\"networks\": [\"192.0.2.1\"]}}";
    struct error_list errors;
    struct config *config = load(file, &errors);
    char *text = print_to_string(config);
    ok(!strstr(text, "Geheim1"), "the password is not printed");
    ok(strstr(text, "\"password\": \"***\"") != NULL, "... but that there is one is");
    ok(strstr(text, "\"mode\": \"0600\"") != NULL, "modes have four digits");
    ok(strstr(text, "\"hold_s\": 7\n") != NULL, "units are those of the key");
    ok(strstr(text, "\"192.0.2.1/32\"") != NULL, "networks have their length");

    struct config *again = load(text, &errors);
    ok(again != NULL, "what is printed can be loaded");
    char *text_again = print_to_string(again);
    is_string(text_again, text, "... and is printed the same");
    free(text);
    free(text_again);
    config_free(config);
    config_free(again);
}

static void test_good_files(void)
{
    static const char *const files[] = {
        "{}",
        "{\"policyd\": {}}",
        "{\"redis\": {\"server\": \"\"}, \"trusted\": {\"networks\": []}}",
        "{\"level\": {\"elevated\": 1, \"stressed\": 1, \"critical\": 1}}",
        "{\"admission\": {\"ceiling\": {\"good\": 0.5, \"unknown\": 0.5}}}",
        "{\"service\": {\"name\": \"127.0.0.1:smtp\", \"slot_limit\": 100000}}",
        "{\"service\": {\"name\": \"[::1]:25\", \"slot_limit\": \"auto\"}}",
        "{\"reply\": {\"hang_up_later\": \"4.123.999 x\"}}",
        "{\"services\": [{}]}",
        "{\"services\": [{\"level\": {\"elevated\": 2, \"stressed\": 2, \"critical\": 2}}]}",
        "{\"cluster\": {\"follow\": \"elevated\"}, \"sensor\": {\"wait_target_ms\": 0}}",
        "{\"user\": \"samba$\", \"group\": \"_x-y.z\"}",
        "{\"redis\": {\"prefix\": \"{pv}:/\", \"password\": \" !~\"}}",
        " {\"level\" : {\"hold_s\":0,\"sustain_ms\":60000}}\r\n",
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct error_list errors;
        struct config *config = load(files[i], &errors);
        if (!ok(config && error_list_is_empty(&errors), "%s", files[i]))
            error_list_print(&errors, "#", stdout);
        config_free(config);
    }
}

static void test_man(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        abort();
    settings_print_man(stream);
    fclose(stream);
    for (size_t i = 0; i < settings_count; i++) {
        char line[2 * SETTING_KEY_SIZE];
        snprintf(line, sizeof(line), "\n.B %s\n", settings_table[i].key);
        ok(strstr(text, line) != NULL, "%s is in the manual", settings_table[i].key);
    }
    ok(strstr(text, "\n.B services[].level.hold_s\n") &&
           strstr(text, "Default: that of level.hold_s\n"),
       "items of lists too");
    free(text);
}

/* A rule of decide.c has its share in the decision log. */
static void test_rules(void)
{
    for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
        char key[SETTING_KEY_SIZE];
        snprintf(key, sizeof(key), "decision_log.share.%s", rule_name(rule));
        for (char *c = key; *c; c++)
            if (*c == '-')
                *c = '_';
        const struct setting *setting = setting_find(key);
        ok(setting && setting->offset == offsetof(struct config, decision_log.share[rule]),
           "%s", key);
    }
}

int main(void)
{
    test_rows();
    test_rules();
    test_enum_names();
    test_each_setting();
    test_defaults();
    test_services();
    test_default_networks();
    test_print();
    test_good_files();
    test_man();
    return done_testing();
}
