#include "common/settings.h"

#include "common/escape.h"
#include "common/setting_type.h"

#include <string.h>

#define SHOWN_KEY 96 /* of an unknown key, in a message */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct setting_rows all_rows(void)
{
    return (struct setting_rows){settings_table, settings_count, sizeof(struct config)};
}

static const struct setting *find(const struct setting_rows *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    return NULL;
}

static bool is_group(const struct setting_rows *table, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < table->count; i++)
        if (strncmp(table->rows[i].key, key, length) == 0 && table->rows[i].key[length] == '.')
            return true;
    return false;
}

const struct setting *setting_find(const char *key)
{
    const struct setting_rows table = all_rows();
    return find(&table, key);
}

bool setting_is_group(const char *key)
{
    const struct setting_rows table = all_rows();
    return is_group(&table, key);
}

/* Insertions, deletions and replacements between two texts shorter than SETTING_KEY_SIZE
 * (Levenshtein). */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t row[SETTING_KEY_SIZE];
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t replaced = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replaced, 1 + smaller(row[j], row[j - 1]));
        }
    }
    return row[b.length];
}

/* Its last part: "mode" of "policyd.socket.mode". */
static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* As many parts of the key as the given one has: "policyd.socket" of "policyd.socket.mode" for
 * "policyd.sokcet". */
static struct slice leading_parts(const char *key, const char *given)
{
    const char *end = strchr(key, '.');
    for (const char *dot = strchr(given, '.'); dot && end; dot = strchr(dot + 1, '.'))
        end = strchr(end + 1, '.');
    return (struct slice){key, end ? (size_t)(end - key) : strlen(key)};
}

static struct slice nearest_key(const struct setting_rows *table, const char *key)
{
    struct slice given = slice_from_string(key), nearest = {NULL, 0};
    if (given.length >= SETTING_KEY_SIZE)
        return nearest;
    for (size_t i = 0; i < table->count; i++) /* the right name in the wrong place */
        if (strcmp(last_part(table->rows[i].key), last_part(key)) == 0)
            return slice_from_string(table->rows[i].key);
    size_t nearest_distance = given.length > 8 ? 4 : given.length > 3 ? 3 : 2;
    for (size_t i = 0; i < table->count; i++) {
        struct slice candidate = leading_parts(table->rows[i].key, key);
        size_t distance = edit_distance(given, candidate);
        if (distance < nearest_distance) {
            nearest = candidate;
            nearest_distance = distance;
        }
    }
    return nearest;
}

struct slice setting_nearest_key(const char *key)
{
    const struct setting_rows table = all_rows();
    return nearest_key(&table, key);
}

/* What an object of the file is read into. */
struct scope {
    const struct setting_rows *table;
    void *base;
    const struct setting_problems *problems;
};

static const char *prefix_of(const struct scope *scope)
{
    return scope->problems->prefix ? scope->problems->prefix : "";
}

static void report_unknown(const struct scope *scope, const char *path, const char *key)
{
    char shown[SHOWN_KEY];
    escape_text(slice_from_string(path), shown, sizeof(shown));
    if (strchr(key, '.')) {
        error_list_add(scope->problems->errors,
                       "%s: %s%s: unknown key, allowed: objects in objects instead of dots",
                       scope->problems->file, prefix_of(scope), shown);
        return;
    }
    struct slice nearest = nearest_key(scope->table, path);
    error_list_add(scope->problems->errors,
                   "%s: %s%s: unknown key, allowed: those of postvalve.json(5)%s%.*s%s",
                   scope->problems->file, prefix_of(scope), shown,
                   nearest.length > 0 ? "; did you mean " : "", (int)nearest.length,
                   nearest.data, nearest.length > 0 ? "?" : "");
}

/* Recursion ends with the table: unknown keys are not entered. Lists of objects are left for
 * later: their defaults may be values that come after them in the file. */
static void read_object(const struct scope *scope, json_t *object, const char *group)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char path[2 * SETTING_KEY_SIZE];
        int length =
            snprintf(path, sizeof(path), "%s%s%s", group, group[0] != '\0' ? "." : "", key);
        bool is_known = length > 0 && (size_t)length < SETTING_KEY_SIZE && !strchr(key, '.');
        const struct setting *setting = is_known ? find(scope->table, path) : NULL;
        if (setting && setting->type == SETTING_OBJECT_LIST)
            continue;
        if (setting)
            setting_read(setting, scope->base, value, scope->problems);
        else if (!is_known || !is_group(scope->table, path))
            report_unknown(scope, path, key);
        else if (!json_is_object(value))
            error_list_add(scope->problems->errors, "%s: %s%s: not an object, allowed: {...}",
                           scope->problems->file, prefix_of(scope), path);
        else
            read_object(scope, value, path);
    }
}

static void read_default(const struct scope *scope, const struct setting *setting)
{
    json_t *value = json_loads(setting->default_text, JSON_DECODE_ANY, NULL);
    if (value)
        setting_read(setting, scope->base, value, scope->problems);
    else
        error_list_add(scope->problems->errors, "%s: %s%s: not JSON: %s", scope->problems->file,
                       prefix_of(scope), setting->key, setting->default_text);
    json_decref(value);
}

/* Such a list is no part of a group. */
static void read_object_lists(const struct scope *scope, json_t *root)
{
    for (size_t i = 0; i < scope->table->count; i++) {
        const struct setting *setting = &scope->table->rows[i];
        if (setting->type != SETTING_OBJECT_LIST)
            continue;
        const json_t *value = json_object_get(root, setting->key);
        if (value)
            setting_read(setting, scope->base, value, scope->problems);
        else
            read_default(scope, setting);
    }
}

void settings_read(struct config *config, json_t *root, const struct setting_problems *problems)
{
    const struct setting_rows table = all_rows();
    const struct scope scope = {&table, config, problems};
    if (!json_is_object(root)) {
        error_list_add(problems->errors, "%s: not an object, allowed: {...}", problems->file);
        return;
    }
    read_object(&scope, root, "");
    read_object_lists(&scope, root);
}

void settings_read_defaults(struct config *config, const struct setting_problems *problems)
{
    const struct setting_rows table = all_rows();
    const struct scope scope = {&table, config, problems};
    for (size_t i = 0; i < table.count; i++)
        if (table.rows[i].type != SETTING_OBJECT_LIST)
            read_default(&scope, &table.rows[i]);
}

void setting_rows_read(const struct setting_rows *rows, void *base, json_t *object,
                       const struct config *config, const struct setting_problems *problems)
{
    const struct scope scope = {rows, base, problems};
    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].inherits) {
            read_default(&scope, &rows->rows[i]);
            continue;
        }
        json_t *value = setting_write(setting_find(rows->rows[i].inherits), config);
        setting_read(&rows->rows[i], base, value, problems);
        json_decref(value);
    }
    read_object(&scope, object, "");
}

/* The object that holds a setting, made where it is missing. */
static json_t *object_of(json_t *root, const char *key)
{
    json_t *object = root;
    const char *dot;
    while ((dot = strchr(key, '.')) != NULL) {
        char part[SETTING_KEY_SIZE];
        slice_copy_string((struct slice){key, (size_t)(dot - key)}, part, sizeof(part));
        json_t *next = json_object_get(object, part);
        if (!next) {
            next = json_object();
            json_object_set_new(object, part, next);
        }
        object = next;
        key = dot + 1;
    }
    return object;
}

json_t *setting_rows_write(const struct setting_rows *rows, const void *base)
{
    json_t *root = json_object();
    for (size_t i = 0; i < rows->count; i++) {
        const struct setting *setting = &rows->rows[i];
        json_object_set_new(object_of(root, setting->key), last_part(setting->key),
                            setting_write(setting, base));
    }
    return root;
}

void setting_rows_release(const struct setting_rows *rows, void *base)
{
    for (size_t i = 0; i < rows->count; i++)
        setting_release(&rows->rows[i], base);
}

json_t *settings_write(const struct config *config)
{
    const struct setting_rows table = all_rows();
    return setting_rows_write(&table, config);
}
