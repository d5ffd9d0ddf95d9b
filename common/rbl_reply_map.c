#include "common/rbl_reply_map.h"

#include "common/buffer.h"
#include "common/escape.h"
#include "common/memory.h"
#include "common/rbl_template.h"
#include "common/utf8.h"

#include <stdlib.h>

#define LOGICAL_LINE_MAX 8192 /* bytes: a key and a template */
#define SHOWN_SIZE       64   /* of a key, in an error */

struct entry {
    char *key;
    struct macro *template;
    size_t line;
};

struct rbl_reply_map {
    size_t count, size;
    struct entry *entries; /* sorted by key */
};

struct loader {
    struct rbl_reply_map *map;
    const char *name;
    int code;
    struct error_list *errors;
    bool is_refused;
    struct buffer logical; /* the line being put together */
    size_t line;           /* where it began */
    bool is_too_long;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice skip_spaces(struct slice text)
{
    while (text.length && is_space(text.data[0]))
        text = (struct slice){text.data + 1, text.length - 1};
    return text;
}

static struct slice trim(struct slice text)
{
    text = skip_spaces(text);
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

static void report(struct loader *loader, size_t line, const char *what)
{
    loader->is_refused = true;
    error_list_add(loader->errors, "%s:%zu: %s", loader->name, line, what);
}

/* The length of the key at the start of a line: white space ends it, but not in quotes. False
 * when the quotes do not end. */
static bool find_key(struct slice line, size_t *length_r)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < line.length; i++) {
        if (line.data[i] == '\\') {
            if (++i == line.length)
                break;
        } else if (is_space(line.data[i]) && !is_quoted) {
            break;
        } else if (line.data[i] == '"') {
            is_quoted = !is_quoted;
        }
    }
    *length_r = i;
    return !is_quoted;
}

static void add_entry(struct loader *loader, struct slice key, struct macro *template)
{
    struct rbl_reply_map *map = loader->map;
    if (map->count == map->size) {
        map->size = map->size ? 2 * map->size : 16;
        map->entries = memory_resize(map->entries, map->size, sizeof(*map->entries));
    }
    char *copy = memory_allocate(key.length + 1, 1);
    slice_copy_string(key, copy, key.length + 1);
    map->entries[map->count++] = (struct entry){copy, template, loader->line};
}

static void read_entry(struct loader *loader, struct slice key, struct slice value)
{
    struct error error;
    char shown[SHOWN_SIZE];
    escape_text(key, shown, sizeof(shown));
    if (loader->map->count == RBL_REPLY_MAP_ENTRIES_MAX) {
        report(loader, loader->line, "too many entries");
        return;
    }
    struct macro *template = rbl_template_compile(value, loader->code, &error);
    if (template) {
        add_entry(loader, key, template);
        return;
    }
    loader->is_refused = true;
    error_list_add(loader->errors, "%s:%zu: template of \"%s\": %s", loader->name, loader->line,
                   shown, error.text);
}

/* The logical line that has been put together, if any. */
static void end_line(struct loader *loader)
{
    struct slice line = {loader->logical.data, loader->logical.length};
    size_t key_length;
    if (line.length == 0)
        return;
    if (loader->is_too_long)
        report(loader, loader->line, "the line is too long");
    else if (memchr(line.data, '\0', line.length))
        report(loader, loader->line, "has a zero byte");
    else if (!utf8_is_valid(line))
        report(loader, loader->line, "is not UTF-8");
    else if (!find_key(line, &key_length))
        report(loader, loader->line, "\" without another");
    else {
        struct slice value =
            trim((struct slice){line.data + key_length, line.length - key_length});
        if (value.length == 0)
            report(loader, loader->line, "a domain without a template");
        else if (line.data[key_length - 1] == ':')
            report(loader, loader->line, "the domain ends with a colon");
        else
            read_entry(loader, (struct slice){line.data, key_length}, value);
    }
    loader->logical.length = 0;
    loader->is_too_long = false;
}

/* A line of the file: a comment, the start of a logical line, or the continuation of one. */
static void read_line(struct loader *loader, struct slice line, size_t number)
{
    struct slice text = skip_spaces(line);
    if (text.length == 0 || text.data[0] == '#')
        return;
    bool is_continuation = is_space(line.data[0]);
    if (!is_continuation) {
        end_line(loader);
        loader->line = number;
    } else if (loader->logical.length == 0) {
        report(loader, number, "begins with white space, but continues nothing");
        return;
    }
    if (!buffer_append(&loader->logical, line.data, line.length)) {
        loader->is_too_long = true;
        if (loader->logical.length == 0)
            buffer_append(&loader->logical, line.data, 1);
    }
}

static int compare_keys(struct slice a, struct slice b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int difference = common ? strncasecmp(a.data, b.data, common) : 0;
    if (difference == 0 && a.length != b.length)
        return a.length < b.length ? -1 : 1;
    return difference;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int difference = compare_keys(slice_from_string(left->key), slice_from_string(right->key));
    if (difference == 0 && left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return difference;
}

static void sort_and_check(struct loader *loader)
{
    struct rbl_reply_map *map = loader->map;
    if (map->count > 0)
        qsort(map->entries, map->count, sizeof(*map->entries), compare_entries);
    for (size_t i = 1; i < map->count; i++) {
        const struct entry *earlier = &map->entries[i - 1], *later = &map->entries[i];
        char shown[SHOWN_SIZE];
        if (strcasecmp(earlier->key, later->key) != 0)
            continue;
        escape_text(slice_from_string(later->key), shown, sizeof(shown));
        loader->is_refused = true;
        error_list_add(loader->errors, "%s:%zu: \"%s\" is in line %zu already", loader->name,
                       later->line, shown, earlier->line);
    }
}

struct rbl_reply_map *rbl_reply_map_parse(const char *name, struct slice text, int code,
                                          struct error_list *errors)
{
    struct loader loader = {.map = memory_allocate(1, sizeof(struct rbl_reply_map)),
                            .name = name,
                            .code = code,
                            .errors = errors,
                            .logical = BUFFER_WITH_MAXIMUM(LOGICAL_LINE_MAX)};
    size_t number = 0;
    if (text.length > RBL_REPLY_MAP_SIZE_MAX) {
        loader.is_refused = true;
        error_list_add(errors, "%s: %zu bytes, allowed: at most %d", name, text.length,
                       RBL_REPLY_MAP_SIZE_MAX);
        text.length = 0;
    }
    while (text.length > 0) {
        const char *newline = memchr(text.data, '\n', text.length);
        size_t length = newline ? (size_t)(newline - text.data) : text.length;
        read_line(&loader, (struct slice){text.data, length}, ++number);
        length += newline != NULL;
        text = (struct slice){text.data + length, text.length - length};
    }
    end_line(&loader);
    buffer_free(&loader.logical);
    sort_and_check(&loader);
    if (!loader.is_refused)
        return loader.map;
    rbl_reply_map_free(loader.map);
    return NULL;
}

void rbl_reply_map_free(struct rbl_reply_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->count; i++) {
        free(map->entries[i].key);
        macro_free(map->entries[i].template);
    }
    free(map->entries);
    free(map);
}

static const struct macro *find(const struct rbl_reply_map *map, struct slice key)
{
    size_t first = 0, end = map->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int difference = compare_keys(key, slice_from_string(map->entries[middle].key));
        if (difference == 0)
            return map->entries[middle].template;
        if (difference < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}

const struct macro *rbl_reply_map_find(const struct rbl_reply_map *map, struct slice argument)
{
    const struct macro *template = find(map, argument);
    const char *filter = argument.length ? memchr(argument.data, '=', argument.length) : NULL;
    if (template || !filter)
        return template;
    return find(map, (struct slice){argument.data, (size_t)(filter - argument.data)});
}

size_t rbl_reply_map_count(const struct rbl_reply_map *map)
{
    return map->count;
}

struct slice rbl_reply_map_key(const struct rbl_reply_map *map, size_t index)
{
    return slice_from_string(map->entries[index].key);
}

const struct macro *rbl_reply_map_template(const struct rbl_reply_map *map, size_t index)
{
    return map->entries[index].template;
}
