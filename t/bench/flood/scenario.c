#include "t/bench/flood/scenario.h"

#include "t/bench/flood/kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum setting_type { TYPE_NUMBER, TYPE_REAL, TYPE_TEXT, TYPE_ADDRESS, TYPE_CHOICE };

/* A choice has two words; the second one sets the flag. */
struct setting_row {
    const char *key;
    enum setting_type type;
    size_t offset;
    double min, max;
    const char *words[2];
    double number; /* default */
    const char *text;
    const char *help;
};

/* clang-format off */
#define AT(member) offsetof(struct group_settings, member)
#define NUMBER(key, min, max, number, help) \
    {#key, TYPE_NUMBER, AT(key), min, max, {0}, number, NULL, help}
#define REAL(key, min, max, number, help) \
    {#key, TYPE_REAL, AT(key), min, max, {0}, number, NULL, help}
#define TEXT(key, member, text, help) \
    {key, TYPE_TEXT, AT(member), 0, 0, {0}, 0, text, help}
#define ADDRESS(key, text, help) \
    {#key, TYPE_ADDRESS, AT(key), 0, 0, {0}, 0, text, help}
#define CHOICE(key, member, word, other, help) \
    {key, TYPE_CHOICE, AT(member), 0, 0, {word, other}, 0, NULL, help}
/* clang-format on */

static const struct setting_row group_setting_table[] = {
    TEXT("kind", kind_name, "good", "who they are, see below"),
    TEXT("name", name, "", "in the output; without one: the kind"),
    ADDRESS(first_address, "127.1.0.1", "they come from this address"),
    NUMBER(addresses, 1, 1e6, 1, "... and from so many in all"),
    NUMBER(address_step, 1, 65536, 1, "from one address to the next (256: a /24 each)"),
    CHOICE("address_change", is_address_changing, "same", "next", "bots: come back from which"),
    NUMBER(concurrency, 0, 50000, 0,
           "bots: how many at once (0: one an address); good: messages in flight (0: 5000)"),
    REAL(rate, 1e-3, 1e5, 1, "good: messages a second"),
    CHOICE("arrivals", is_steady, "poisson", "steady", "good: how messages come"),
    NUMBER(messages, 0, 1e9, 0, "good: no more than so many (0: no limit)"),
    TEXT("recipient", recipient, "alice@example.test", "good, spam, dribble: to whom"),
    TEXT("domain", domain, "example.test", "guess: whose recipients are guessed"),
    NUMBER(body_bytes, 0, 1e6, 2000, "good, spam: size of the text"),
    NUMBER(attempts, 1, 1000, 100, "good: give a message up after so many"),
    REAL(backoff_s, 0.01, 3600, 1, "good: first retry after so long, then twice that, ..."),
    REAL(backoff_max_s, 0.01, 3600, 8, "good: ... up to this"),
    REAL(backoff_scale, 1, 1000, 1,
         "good: retry so many times sooner, and count times as if not"),
    NUMBER(recipients, 1, 1e6, 100, "guess: in one session"),
    REAL(delay_s, 0, 3600, 1, "bots: come back after so long"),
    REAL(think_s, 0, 3600, 0, "good, guess, spam: from a reply to the next command"),
    CHOICE("dribble", is_dribbling_commands, "bytes", "commands",
           "dribble: what one at a time"),
    REAL(interval_s, 0.01, 3600, 3, "dribble: from one to the next"),
    REAL(start_s, 0, 86400, 0, "when they begin"),
    REAL(stop_s, 0, 86400, 0, "when they end (0: with the run); messages under way go on"),
    REAL(ramp_s, 0, 3600, 1, "bots: all are there so long after the start"),
    REAL(banner_timeout_s, 0.1, 3600, 30,
         "good, guess, spam: patience for connection and banner"),
    REAL(command_timeout_s, 0.1, 3600, 60, "good, guess, spam: ... and for every other reply"),
};
#define SETTING_COUNT (sizeof group_setting_table / sizeof group_setting_table[0])

static bool parse_address(const char *text, uint32_t *address_r)
{
    struct in_addr address;

    if (inet_pton(AF_INET, text, &address) != 1)
        return false;
    *address_r = ntohl(address.s_addr);
    return true;
}

static bool set_number(const struct setting_row *row, double number, void *field)
{
    if (!(number >= row->min && number <= row->max))
        return false;
    if (row->type == TYPE_REAL) {
        *(double *)field = number;
        return true;
    }
    *(uint32_t *)field = (uint32_t)number;
    return floor(number) >= number;
}

static bool set_text(const struct setting_row *row, const char *text, void *field)
{
    size_t size = strlen(text) + 1;

    switch (row->type) {
    case TYPE_ADDRESS:
        return parse_address(text, field);
    case TYPE_CHOICE:
        *(bool *)field = strcmp(text, row->words[1]) == 0;
        return *(bool *)field || strcmp(text, row->words[0]) == 0;
    case TYPE_TEXT:
        if (size > SCENARIO_TEXT_SIZE || strpbrk(text, "\r\n") != NULL)
            return false;
        memcpy(field, text, size);
        return true;
    default:
        return false;
    }
}

static const struct setting_row *find_row(const char *key)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(group_setting_table[i].key, key) == 0)
            return &group_setting_table[i];
    return NULL;
}

static void set_group_defaults(struct group_settings *group)
{
    memset(group, 0, sizeof *group);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_row *row = &group_setting_table[i];
        void *field = (char *)group + row->offset;

        if (row->text != NULL)
            (void)set_text(row, row->text, field);
        else if (row->type == TYPE_CHOICE)
            *(bool *)field = false;
        else
            (void)set_number(row, row->number, field);
    }
}

static bool set_group_value(struct group_settings *group, const char *key, json_t *value,
                            struct error *error)
{
    const struct setting_row *row = find_row(key);

    if (row == NULL)
        return error_set(error, "group: no such setting: %s", key);
    void *field = (char *)group + row->offset;
    bool is_number = row->type == TYPE_NUMBER || row->type == TYPE_REAL;
    bool is_set =
        is_number ? json_is_number(value) && set_number(row, json_number_value(value), field)
                  : json_is_string(value) && set_text(row, json_string_value(value), field);
    if (is_set)
        return true;
    if (is_number)
        return error_set(error, "group: %s: must be a number from %g to %g", key, row->min,
                         row->max);
    return error_set(error, "group: %s: not a value for it", key);
}

/* What depends on other settings. */
static bool complete_group(struct group_settings *group, struct error *error)
{
    group->kind = actor_kind_find(group->kind_name);
    if (group->kind == NULL)
        return error_set(error, "group: no such kind: %s", group->kind_name);
    if (group->name[0] == '\0')
        memcpy(group->name, group->kind_name, sizeof group->name);
    if (group->concurrency == 0)
        group->concurrency = group->kind->is_arriving ? 5000 : group->addresses;
    if (group->concurrency > SCENARIO_ACTORS_MAX)
        return error_set(error, "group %s: more than %d clients", group->name,
                         SCENARIO_ACTORS_MAX);
    uint64_t last =
        group->first_address + (uint64_t)(group->addresses - 1) * group->address_step;
    if (group->first_address >> 24 != 127 || last >> 24 != 127)
        return error_set(error, "group %s: only addresses in 127.0.0.0/8", group->name);
    return true;
}

static bool read_group(struct scenario *scenario, json_t *object, struct error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return error_set(error, "a group must be an object");
    if (scenario->group_count == SCENARIO_GROUPS_MAX)
        return error_set(error, "more than %d groups", SCENARIO_GROUPS_MAX);
    struct group_settings *group = &scenario->groups[scenario->group_count];
    set_group_defaults(group);
    json_object_foreach(object, key, value)
    {
        if (!set_group_value(group, key, value, error))
            return false;
    }
    if (!complete_group(group, error))
        return false;
    scenario->group_count++;
    return true;
}

static bool read_groups(struct scenario *scenario, json_t *groups, struct error *error)
{
    size_t index;
    json_t *object;

    if (!json_is_array(groups))
        return error_set(error, "groups must be an array");
    json_array_foreach(groups, index, object)
    {
        if (!read_group(scenario, object, error))
            return false;
    }
    return true;
}

static bool read_limits(struct scenario *scenario, json_t *limits)
{
    size_t index;
    json_t *limit;

    if (!json_is_array(limits) || json_array_size(limits) > SCENARIO_LIMITS_MAX)
        return false;
    memset(scenario->limits_s, 0, sizeof scenario->limits_s);
    json_array_foreach(limits, index, limit)
    {
        double limit_s = json_number_value(limit);
        if (!(limit_s > 0 && limit_s <= SCENARIO_SECONDS_MAX))
            return false;
        scenario->limits_s[index] = limit_s;
    }
    return true;
}

static bool read_top_value(struct scenario *scenario, const char *key, json_t *value,
                           struct error *error)
{
    double number = json_number_value(value);
    bool is_read = false;

    if (strcmp(key, "groups") == 0)
        return read_groups(scenario, value, error);
    if (strcmp(key, "host") == 0) {
        is_read = json_is_string(value) &&
                  parse_address(json_string_value(value), &scenario->host) &&
                  scenario->host >> 24 == 127;
    } else if (strcmp(key, "port") == 0) {
        is_read = number >= 1 && number <= 65535;
        scenario->port = is_read ? (uint16_t)number : 0;
    } else if (strcmp(key, "seconds") == 0) {
        is_read = number >= 0.1 && number <= SCENARIO_SECONDS_MAX;
        scenario->seconds = number;
    } else if (strcmp(key, "within_s") == 0) {
        is_read = number > 0 && number <= SCENARIO_SECONDS_MAX;
        scenario->within_s = number;
    } else if (strcmp(key, "limits_s") == 0) {
        is_read = read_limits(scenario, value);
    } else if (strcmp(key, "seed") == 0) {
        is_read = json_is_integer(value);
        scenario->seed = (uint64_t)json_integer_value(value);
    } else {
        return error_set(error, "no such setting: %s", key);
    }
    return is_read || error_set(error, "%s: not a value for it", key);
}

void scenario_set_defaults(struct scenario *scenario)
{
    memset(scenario, 0, sizeof *scenario);
    scenario->host = INADDR_LOOPBACK;
    scenario->port = 25;
    scenario->seconds = 30;
    scenario->within_s = 10;
    scenario->seed = 1;
}

bool scenario_read_json(struct scenario *scenario, json_t *root, struct error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(root))
        return error_set(error, "a scenario must be an object");
    json_object_foreach(root, key, value)
    {
        if (!read_top_value(scenario, key, value, error))
            return false;
    }
    return true;
}

bool scenario_read_file(struct scenario *scenario, const char *path, struct error *error)
{
    json_error_t problem;
    bool is_stdin = strcmp(path, "-") == 0;
    json_t *root = is_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &problem)
                            : json_load_file(path, JSON_REJECT_DUPLICATES, &problem);

    if (root == NULL)
        return error_set(error, "%s: line %d: %s", path, problem.line, problem.text);
    bool is_read = scenario_read_json(scenario, root, error);
    json_decref(root);
    return is_read;
}

static json_t *value_of_text(const char *text)
{
    char *end = NULL;

    errno = 0;
    double number = strtod(text, &end);
    if (errno == 0 && end != text && *end == '\0')
        return json_real(number);
    return json_string(text);
}

bool scenario_add_group(struct scenario *scenario, const char *text, struct error *error)
{
    char copy[1024];
    char *rest = NULL;
    size_t size = strlen(text) + 1;
    json_t *object = json_object();
    bool is_read = true;

    if (size > sizeof copy) {
        json_decref(object);
        return error_set(error, "group: too long");
    }
    memcpy(copy, text, size);
    for (char *word = strtok_r(copy, ",", &rest); word != NULL && is_read;
         word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        if (equals != NULL) {
            *equals = '\0';
            json_object_set_new(object, word, value_of_text(equals + 1));
        }
        is_read = equals != NULL || error_set(error, "group: %s: no value", word);
    }
    is_read = is_read && read_group(scenario, object, error);
    json_decref(object);
    return is_read;
}

bool scenario_check(const struct scenario *scenario, struct error *error)
{
    uint64_t actors = 0;

    if (scenario->group_count == 0)
        return error_set(error, "no group of clients");
    for (size_t i = 0; i < scenario->group_count; i++)
        actors += scenario->groups[i].concurrency;
    if (actors > SCENARIO_ACTORS_MAX)
        return error_set(error, "more than %d clients in all", SCENARIO_ACTORS_MAX);
    return true;
}

void scenario_print_help(FILE *out)
{
    fprintf(out, "Settings of a group:\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_row *row = &group_setting_table[i];
        fprintf(out, "  %-18s %s; ", row->key, row->help);
        if (row->type == TYPE_CHOICE)
            fprintf(out, "%s or %s\n", row->words[0], row->words[1]);
        else if (row->text != NULL)
            fprintf(out, "\"%s\"\n", row->text);
        else
            fprintf(out, "%g\n", row->number);
    }
    fprintf(out, "Kinds:\n");
    for (const struct actor_kind *const *kind = actor_kind_table; *kind != NULL; kind++)
        fprintf(out, "  %-18s %s\n", (*kind)->name, (*kind)->help);
}
