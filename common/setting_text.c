/* Kinds of settings: string, path, SMTP reply text. */
#include "common/setting_type.h"

#include "common/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void replace_string(void *field, const char *text)
{
    char **string = field;
    free(*string);
    *string = memory_copy_string(text);
}

static bool is_character_allowed(const char *characters, char c)
{
    if (!characters)
        return c >= ' ' && c <= '~';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(characters, c));
}

/* A string within the row's limits and of its characters. */
static bool check_string(const struct setting_reader *reader, const json_t *value)
{
    const struct setting *setting = reader->setting;
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return false;
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    if (length == 0 && setting->minimum > 0) {
        setting_report(reader, "\"\" is empty");
        return false;
    }
    if ((double)length < setting->minimum || (double)length > setting->maximum) {
        setting_report(reader, "has %zu bytes", length);
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_character_allowed(setting->characters, text[i])) {
            setting_report(reader, "\"%s\" has other characters",
                           setting_show_text(reader, value, shown));
            return false;
        }
    }
    return true;
}

static void read_string(const struct setting_reader *reader, const json_t *value, void *field)
{
    if (check_string(reader, value))
        replace_string(field, json_string_value(value));
}

static json_t *write_string(const struct setting *setting, const void *field)
{
    const char *text = *(char *const *)field;
    return json_string(setting->is_secret && text[0] != '\0' ? SETTING_SECRET_MASK : text);
}

static void release_string(void *field)
{
    free(*(char **)field);
    *(char **)field = NULL;
}

static void allow_string(const struct setting *setting, char *out, size_t out_size)
{
    const char *extra = setting->characters;
    int length = snprintf(out, out_size, "a string of %s%.15g ",
                          setting->minimum > 0 ? "1 to " : "at most ", setting->maximum);
    if (length < 0 || (size_t)length >= out_size)
        return;
    if (!extra)
        snprintf(out + length, out_size - (size_t)length, "printable ASCII characters");
    else
        snprintf(out + length, out_size - (size_t)length, "letters, digits and %s", extra);
}

static void read_path(const struct setting_reader *reader, const json_t *value, void *field)
{
    char shown[SETTING_SHOWN_SIZE];
    if (!check_string(reader, value))
        return;
    const char *path = json_string_value(value);
    if (path[0] != '/' && path[0] != '\0')
        setting_report(reader, "\"%s\" does not begin with \"/\"",
                       setting_show_text(reader, value, shown));
    else
        replace_string(field, path);
}

static void allow_path(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "an absolute path of at most %.15g bytes%s", setting->maximum,
             setting->minimum > 0 ? "" : ", or \"\"");
}

/* RFC 3463: class "." subject "." detail, the latter two of one to three digits. */
static bool has_enhanced_code(const char *text, char reply_class)
{
    if (text[0] != reply_class)
        return false;
    text++;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        if (*text++ != '.')
            return false;
        while (isdigit((unsigned char)text[digits]))
            digits++;
        if (digits < 1 || digits > 3)
            return false;
        text += digits;
    }
    return text[0] == ' ' && text[1] != ' ' && text[1] != '\0';
}

static void read_reply(const struct setting_reader *reader, const json_t *value, void *field)
{
    if (!check_string(reader, value))
        return;
    const char *text = json_string_value(value);
    /* Postfix and sendmail read "%" in a milter's reply as the start of an escape. */
    if (strchr(text, '%'))
        setting_report(reader, "has a %% in it");
    else if (!has_enhanced_code(text, reader->setting->reply_class))
        setting_report(reader, "does not begin with an enhanced status code %c.x.y",
                       reader->setting->reply_class);
    else
        replace_string(field, text);
}

static void allow_reply(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size,
             "\"%c.x.y TEXT\" of at most %.15g printable ASCII characters but %%",
             setting->reply_class, setting->maximum);
}

const struct setting_type_row setting_type_string = {read_string, write_string, release_string,
                                                     allow_string, NULL};
const struct setting_type_row setting_type_path = {read_path, write_string, release_string,
                                                   allow_path, NULL};
const struct setting_type_row setting_type_reply = {read_reply, write_string, release_string,
                                                    allow_reply, NULL};
