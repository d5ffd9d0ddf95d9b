#include "common/settings.h"

#include "common/escape.h"

#include <string.h>

#define SHOWN_KEY 96 /* of an unknown key, in a message */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

const struct setting *setting_find(const char *key)
{
    for (size_t i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].key, key) == 0)
            return &settings_table[i];
    return NULL;
}

bool setting_is_group(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < settings_count; i++)
        if (strncmp(settings_table[i].key, key, length) == 0 &&
            settings_table[i].key[length] == '.')
            return true;
    return false;
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

struct slice setting_nearest_key(const char *key)
{
    struct slice given = slice_from_string(key), nearest = {NULL, 0};
    if (given.length >= SETTING_KEY_SIZE)
        return nearest;
    for (size_t i = 0; i < settings_count; i++) /* the right name in the wrong place */
        if (strcmp(last_part(settings_table[i].key), last_part(key)) == 0)
            return slice_from_string(settings_table[i].key);
    size_t nearest_distance = given.length > 8 ? 4 : given.length > 3 ? 3 : 2;
    for (size_t i = 0; i < settings_count; i++) {
        struct slice candidate = leading_parts(settings_table[i].key, key);
        size_t distance = edit_distance(given, candidate);
        if (distance < nearest_distance) {
            nearest = candidate;
            nearest_distance = distance;
        }
    }
    return nearest;
}

static void report_unknown(const char *path, const char *key,
                           const struct setting_problems *problems)
{
    char shown[SHOWN_KEY];
    escape_text(slice_from_string(path), shown, sizeof(shown));
    if (strchr(key, '.')) {
        error_list_add(problems->errors,
                       "%s: %s: unknown key, allowed: objects in objects instead of dots",
                       problems->file, shown);
        return;
    }
    struct slice nearest = setting_nearest_key(path);
    error_list_add(problems->errors,
                   "%s: %s: unknown key, allowed: those of postvalve.json(5)%s%.*s%s",
                   problems->file, shown, nearest.length > 0 ? "; did you mean " : "",
                   (int)nearest.length, nearest.data, nearest.length > 0 ? "?" : "");
}

/* Recursion ends with the table: unknown keys are not entered. */
static void read_object(struct config *config, json_t *object, const char *group,
                        const struct setting_problems *problems)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char path[2 * SETTING_KEY_SIZE];
        int length =
            snprintf(path, sizeof(path), "%s%s%s", group, group[0] != '\0' ? "." : "", key);
        bool is_known = length > 0 && (size_t)length < SETTING_KEY_SIZE && !strchr(key, '.');
        const struct setting *setting = is_known ? setting_find(path) : NULL;
        if (setting)
            setting_read(setting, config, value, problems);
        else if (!is_known || !setting_is_group(path))
            report_unknown(path, key, problems);
        else if (!json_is_object(value))
            error_list_add(problems->errors, "%s: %s: not an object, allowed: {...}",
                           problems->file, path);
        else
            read_object(config, value, path, problems);
    }
}

void settings_read(struct config *config, json_t *root, const struct setting_problems *problems)
{
    if (json_is_object(root))
        read_object(config, root, "", problems);
    else
        error_list_add(problems->errors, "%s: not an object, allowed: {...}", problems->file);
}

void settings_read_defaults(struct config *config, const struct setting_problems *problems)
{
    for (size_t i = 0; i < settings_count; i++) {
        const char *text = settings_table[i].default_text;
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
        if (value)
            setting_read(&settings_table[i], config, value, problems);
        else
            error_list_add(problems->errors, "%s: %s: not JSON: %s", problems->file,
                           settings_table[i].key, text);
        json_decref(value);
    }
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

json_t *settings_write(const struct config *config)
{
    json_t *root = json_object();
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        json_object_set_new(object_of(root, setting->key), last_part(setting->key),
                            setting_write(setting, config));
    }
    return root;
}
