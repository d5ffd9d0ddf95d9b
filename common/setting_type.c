#include "common/setting_type.h"

#include "common/escape.h"

#include <stdarg.h>

static const struct setting_type_row *const type_table[SETTING_TYPE_COUNT] = {
    [SETTING_BOOLEAN] = &setting_type_boolean,
    [SETTING_INTEGER] = &setting_type_integer,
    [SETTING_NUMBER] = &setting_type_number,
    [SETTING_STRING] = &setting_type_string,
    [SETTING_PATH] = &setting_type_path,
    [SETTING_REPLY] = &setting_type_reply,
    [SETTING_ENUM] = &setting_type_enum,
    [SETTING_MODE] = &setting_type_mode,
    [SETTING_SLOT_LIMIT] = &setting_type_slot_limit,
    [SETTING_ENDPOINT] = &setting_type_endpoint,
    [SETTING_ENDPOINT_LIST] = &setting_type_endpoint_list,
    [SETTING_NETWORK_LIST] = &setting_type_network_list,
    [SETTING_STRING_LIST] = &setting_type_string_list,
    [SETTING_OBJECT_LIST] = &setting_type_object_list,
};

void setting_report(const struct setting_reader *reader, const char *format, ...)
{
    char what[256], item[32] = "", allowed[SETTING_ALLOWED_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    setting_format_allowed(reader->setting, allowed);
    if (reader->item != SETTING_NO_ITEM) {
        snprintf(item, sizeof(item), "[%zu]", reader->item);
        snprintf(allowed, sizeof(allowed), "%s",
                 type_table[reader->setting->type]->item_allowed);
    }
    const char *prefix = reader->problems->prefix;
    error_list_add(reader->problems->errors, "%s: %s%s%s: %s, allowed: %s",
                   reader->problems->file, prefix ? prefix : "", reader->setting->key, item,
                   what, allowed);
}

static const char *json_type_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_NULL:
        return "null";
    default:
        return json_is_true(value) ? "true" : "false";
    }
}

/* A wrong value shown in a message; a secret never is. */
const char *setting_show_text(const struct setting_reader *reader, const json_t *string,
                              char out[static SETTING_SHOWN_SIZE])
{
    if (reader->setting->is_secret)
        snprintf(out, SETTING_SHOWN_SIZE, "%s", SETTING_SECRET_MASK);
    else if (json_string_length(string) == 0)
        out[0] = '\0';
    else
        escape_text((struct slice){json_string_value(string), json_string_length(string)}, out,
                    SETTING_SHOWN_SIZE);
    return out;
}

bool setting_expect(const struct setting_reader *reader, const json_t *value, bool is_expected)
{
    if (!is_expected)
        setting_report(reader, "%s", json_type_text(value));
    return is_expected;
}

void setting_read(const struct setting *setting, void *base, const json_t *value,
                  const struct setting_problems *problems)
{
    struct setting_reader reader = {setting, problems, SETTING_NO_ITEM};
    type_table[setting->type]->read(&reader, value, (char *)base + setting->offset);
}

json_t *setting_write(const struct setting *setting, const void *base)
{
    return type_table[setting->type]->write(setting, (const char *)base + setting->offset);
}

void setting_release(const struct setting *setting, void *base)
{
    void *field = (char *)base + setting->offset;
    if (setting->type == SETTING_OBJECT_LIST)
        setting_object_list_release(setting, field);
    else if (type_table[setting->type]->release)
        type_table[setting->type]->release(field);
}

void setting_format_allowed(const struct setting *setting,
                            char out[static SETTING_ALLOWED_SIZE])
{
    type_table[setting->type]->format_allowed(setting, out, SETTING_ALLOWED_SIZE);
}
