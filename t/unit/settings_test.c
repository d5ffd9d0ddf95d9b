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
    {"rbl.checks",        "[\"reject_rbl_client a.example\"]"},
    {"rbl.default_reply", "\"450 x\""                        },
    {"rbl.nameservers",   "[\"inet:127.0.0.1:53\"]"          },
    {"rbl.test_points",   ""                                 },
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

/* How many settings have another value than by default. */
static size_t count_changed(const struct config *config, const struct config *defaults)
{
    size_t changed = 0;
    for (size_t i = 0; i < settings_count; i++) {
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
        char value[128], file[256];
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
        ok(count_changed(config, defaults) == 1, "... and is all that changed");
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
    ok(config->policyd.listen.count == 1 && config->policyd.listen.items[0].port == 10031,
       "policyd.listen");
    ok(config->policyd.socket.mode == 0660, "policyd.socket.mode");
    ok(config->milter.listen.port == 10032, "milter.listen");
    ok(config->redis.server.port == 6379, "redis.server");
    is_string(config->redis.prefix, "pv:", "redis.prefix");
    ok(config->allow.count == 0, "trusted.allow");
    ok(config->level.hold_ms == 30000 && config->level.sustain_ms == 200, "level times");
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
    free(text);
}

int main(void)
{
    test_rows();
    test_enum_names();
    test_each_setting();
    test_defaults();
    test_default_networks();
    test_print();
    test_good_files();
    test_man();
    return done_testing();
}
