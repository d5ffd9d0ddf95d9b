/* Kinds of settings: boolean, integer, number, slot limit, enum, octal mode. */
#include "common/setting_type.h"

#include <string.h>

#define MODE_MAX 0777

_Static_assert(sizeof(enum mode) == sizeof(int) && sizeof(enum level) == sizeof(int) &&
                   sizeof(enum log_target) == sizeof(int) &&
                   sizeof(enum rbl_action) == sizeof(int) &&
                   sizeof(enum cluster_follow) == sizeof(int),
               "enum fields are written as int");

/* Boolean */

static void read_boolean(const struct setting_reader *reader, const json_t *value, void *field)
{
    if (setting_expect(reader, value, json_is_boolean(value)))
        *(bool *)field = json_is_true(value);
}

static json_t *write_boolean(const struct setting *setting, const void *field)
{
    (void)setting;
    return json_boolean(*(const bool *)field);
}

static void allow_boolean(const struct setting *setting, char *out, size_t out_size)
{
    (void)setting;
    snprintf(out, out_size, "true or false");
}

/* Integer, number, slot limit */

static int64_t scale_of(const struct setting *setting)
{
    return setting->scale ? setting->scale : 1;
}

static bool is_in_range(const struct setting_reader *reader, double value)
{
    const struct setting *setting = reader->setting;
    bool is_allowed = value >= setting->minimum && value <= setting->maximum;
    if (!is_allowed)
        setting_report(reader, "%.15g is out of range", value);
    return is_allowed;
}

static void read_integer(const struct setting_reader *reader, const json_t *value, void *field)
{
    if (setting_expect(reader, value, json_is_integer(value)) &&
        is_in_range(reader, (double)json_integer_value(value)))
        *(int64_t *)field = json_integer_value(value) * scale_of(reader->setting);
}

static json_t *write_integer(const struct setting *setting, const void *field)
{
    return json_integer(*(const int64_t *)field / scale_of(setting));
}

static void allow_integer(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "an integer from %.15g to %.15g%s%s%s", setting->minimum,
             setting->maximum, setting->unit ? " (" : "", setting->unit ? setting->unit : "",
             setting->unit ? ")" : "");
}

static void read_number(const struct setting_reader *reader, const json_t *value, void *field)
{
    if (setting_expect(reader, value, json_is_number(value)) &&
        is_in_range(reader, json_number_value(value)))
        *(double *)field = json_number_value(value);
}

static json_t *write_number(const struct setting *setting, const void *field)
{
    (void)setting;
    return json_real(*(const double *)field);
}

static void allow_number(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "a number from %.15g to %.15g", setting->minimum, setting->maximum);
}

static void read_slot_limit(const struct setting_reader *reader, const json_t *value,
                            void *field)
{
    if (json_is_string(value) && strcmp(json_string_value(value), "auto") == 0)
        *(int64_t *)field = SLOT_LIMIT_AUTO;
    else
        read_integer(reader, value, field);
}

static json_t *write_slot_limit(const struct setting *setting, const void *field)
{
    return *(const int64_t *)field == SLOT_LIMIT_AUTO ? json_string("auto")
                                                      : write_integer(setting, field);
}

static void allow_slot_limit(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "\"auto\" or an integer from %.15g to %.15g", setting->minimum,
             setting->maximum);
}

/* Enum */

static void read_enum(const struct setting_reader *reader, const json_t *value, void *field)
{
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return;
    const char *const *names = reader->setting->names;
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], json_string_value(value)) == 0) {
            memcpy(field, &i, sizeof(i));
            return;
        }
    }
    setting_report(reader, "\"%s\"", setting_show_text(reader, value, shown));
}

static json_t *write_enum(const struct setting *setting, const void *field)
{
    int i;
    memcpy(&i, field, sizeof(i));
    return json_string(setting->names[i]);
}

static void allow_enum(const struct setting *setting, char *out, size_t out_size)
{
    size_t length = 0;
    for (int i = 0; setting->names[i] && length < out_size; i++) {
        const char *between = i == 0 ? "" : setting->names[i + 1] ? ", " : " or ";
        int added =
            snprintf(out + length, out_size - length, "%s\"%s\"", between, setting->names[i]);
        length += added > 0 ? (size_t)added : 0;
    }
}

/* Mode: octal text, as for chmod(1); a JSON integer would be decimal. */

static void read_mode(const struct setting_reader *reader, const json_t *value, void *field)
{
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return;
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    int64_t mode = 0;
    bool is_octal = length >= 3 && length <= 4;
    for (size_t i = 0; i < length && is_octal; i++) {
        is_octal = text[i] >= '0' && text[i] <= '7';
        mode = mode * 8 + (text[i] - '0');
    }
    if (is_octal && mode <= MODE_MAX)
        *(int64_t *)field = mode;
    else
        setting_report(reader, "\"%s\"", setting_show_text(reader, value, shown));
}

static json_t *write_mode(const struct setting *setting, const void *field)
{
    char text[16];
    (void)setting;
    snprintf(text, sizeof(text), "%04o", (unsigned)*(const int64_t *)field);
    return json_string(text);
}

static void allow_mode(const struct setting *setting, char *out, size_t out_size)
{
    (void)setting;
    snprintf(out, out_size, "a string of octal digits from \"0000\" to \"0777\"");
}

const struct setting_type_row setting_type_boolean = {read_boolean, write_boolean, NULL,
                                                      allow_boolean, NULL};
const struct setting_type_row setting_type_integer = {read_integer, write_integer, NULL,
                                                      allow_integer, NULL};
const struct setting_type_row setting_type_number = {read_number, write_number, NULL,
                                                     allow_number, NULL};
const struct setting_type_row setting_type_slot_limit = {read_slot_limit, write_slot_limit,
                                                         NULL, allow_slot_limit, NULL};
const struct setting_type_row setting_type_enum = {read_enum, write_enum, NULL, allow_enum,
                                                   NULL};
const struct setting_type_row setting_type_mode = {read_mode, write_mode, NULL, allow_mode,
                                                   NULL};
