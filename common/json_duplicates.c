#include "common/json_duplicates.h"

#include "common/escape.h"

#include <jansson.h>
#include <stdio.h>

/* An object or list that is open at this point of the text. */
struct frame {
    json_t *seen;   /* keys of an object; NULL: a list */
    size_t item;    /* of a list */
    bool is_at_key; /* of an object: the next string is a key */
    json_t *key;    /* the last one, a string; NULL: none yet */
};

struct scanner {
    struct slice text;
    size_t position;
    unsigned line;
    size_t depth;
    struct frame frames[JSON_DEPTH_MAX];
};

static bool scanner_open(struct scanner *scanner, bool is_object)
{
    if (scanner->depth == JSON_DEPTH_MAX)
        return false;
    scanner->frames[scanner->depth++] = (struct frame){
        .seen = is_object ? json_object() : NULL,
        .is_at_key = is_object,
    };
    return true;
}

static void scanner_close(struct scanner *scanner)
{
    if (scanner->depth == 0)
        return;
    scanner->depth--;
    json_decref(scanner->frames[scanner->depth].seen);
    json_decref(scanner->frames[scanner->depth].key);
}

/* At the opening quote; leaves the position after the closing one. */
static struct slice scanner_string(struct scanner *scanner)
{
    size_t start = ++scanner->position;
    while (scanner->position < scanner->text.length &&
           scanner->text.data[scanner->position] != '"')
        scanner->position += scanner->text.data[scanner->position] == '\\' ? 2 : 1;
    size_t end =
        scanner->position < scanner->text.length ? scanner->position++ : scanner->text.length;
    return (struct slice){scanner->text.data + start, end - start};
}

static void scanner_format_path(const struct scanner *scanner, char *out, size_t out_size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < scanner->depth && length < out_size; i++) {
        const struct frame *frame = &scanner->frames[i];
        char key[JSON_PATH_TEXT_SIZE];
        escape_text(slice_from_string(json_string_value(frame->key)), key, sizeof(key));
        int added =
            frame->seen
                ? snprintf(out + length, out_size - length, "%s%s", length > 0 ? "." : "", key)
                : snprintf(out + length, out_size - length, "[%zu]", frame->item);
        length += added > 0 ? (size_t)added : 0;
    }
}

/* "\u0061" is "a": a key is compared as the parser reads it. False: the object has it. */
static bool frame_add_key(struct frame *frame, struct slice key)
{
    json_decref(frame->key);
    frame->key = json_loadb(key.data - 1, key.length + 2, JSON_DECODE_ANY, NULL);
    const char *decoded = json_string_value(frame->key);
    if (decoded && json_object_get(frame->seen, decoded))
        return false;
    if (decoded)
        json_object_set_new(frame->seen, decoded, json_true());
    return true;
}

/* The string at this point: a key of the innermost object, or a value. */
static void scanner_take_string(struct scanner *scanner,
                                void (*found)(const struct json_duplicate *, void *),
                                void *context)
{
    struct slice string = scanner_string(scanner);
    struct frame *frame = scanner->depth > 0 ? &scanner->frames[scanner->depth - 1] : NULL;
    if (!frame || !frame->is_at_key)
        return;
    frame->is_at_key = false;
    if (!frame_add_key(frame, string)) {
        char path[JSON_PATH_TEXT_SIZE];
        scanner_format_path(scanner, path, sizeof(path));
        found(&(struct json_duplicate){path, scanner->line}, context);
    }
}

static void scanner_take_comma(struct scanner *scanner)
{
    struct frame *frame = scanner->depth > 0 ? &scanner->frames[scanner->depth - 1] : NULL;
    if (frame && frame->seen)
        frame->is_at_key = true;
    else if (frame)
        frame->item++;
}

bool json_duplicates_find(struct slice text,
                          void (*found)(const struct json_duplicate *duplicate, void *context),
                          void *context)
{
    struct scanner scanner = {.text = text, .line = 1};
    bool is_within_depth = true;

    while (is_within_depth && scanner.position < text.length) {
        char c = text.data[scanner.position];
        if (c == '"') {
            scanner_take_string(&scanner, found, context);
            continue;
        }
        if (c == '\n')
            scanner.line++;
        else if (c == '{' || c == '[')
            is_within_depth = scanner_open(&scanner, c == '{');
        else if (c == '}' || c == ']')
            scanner_close(&scanner);
        else if (c == ',')
            scanner_take_comma(&scanner);
        scanner.position++;
    }
    while (scanner.depth > 0)
        scanner_close(&scanner);
    return is_within_depth;
}
