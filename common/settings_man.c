/* The option list of postvalve.json(5). */
#include "common/settings.h"

#include <string.h>

/* Text of a man page: roff takes "\" and a leading "." or "'" as its own, and "-" as a hyphen.
 */
static void print_text(FILE *stream, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        fputs("\\&", stream);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stream);
        else if (*text == '-')
            fputs("\\-", stream);
        else if (*text == '\'')
            fputs("\\(aq", stream);
        else
            fputc(*text, stream);
    }
}

static bool has_group(const char *key)
{
    for (size_t group = 0; group < setting_groups_count; group++)
        if (strcmp(setting_groups[group].key, key) == 0)
            return true;
    return false;
}

/* A key of one part is in the group of its name, else in the general one. */
static bool is_in_group(const struct setting *setting, const char *group)
{
    size_t length = strlen(group);
    if (length == 0)
        return !strchr(setting->key, '.') && !has_group(setting->key);
    return strncmp(setting->key, group, length) == 0 &&
           (setting->key[length] == '.' || setting->key[length] == '\0');
}

static void print_setting(const struct setting *setting, const char *prefix, FILE *stream)
{
    char allowed[SETTING_ALLOWED_SIZE];
    setting_format_allowed(setting, allowed);
    fputs(".TP\n.B ", stream);
    print_text(stream, prefix);
    print_text(stream, setting->key);
    fputc('\n', stream);
    print_text(stream, setting->help);
    fputs("\n.br\nAllowed: ", stream);
    print_text(stream, allowed);
    fputs(".\n.br\nDefault: ", stream);
    if (setting->inherits)
        fputs("that of ", stream);
    print_text(stream, setting->inherits ? setting->inherits : setting->default_text);
    fputs("\n", stream);
}

static void print_with_items(const struct setting *setting, FILE *stream)
{
    char prefix[SETTING_KEY_SIZE + 8];
    print_setting(setting, "", stream);
    if (!setting->item)
        return;
    snprintf(prefix, sizeof(prefix), "%s[].", setting->key);
    for (size_t i = 0; i < setting->item->count; i++)
        print_setting(&setting->item->rows[i], prefix, stream);
}

void settings_print_man(FILE *stream)
{
    for (size_t group = 0; group < setting_groups_count; group++) {
        fprintf(stream, ".SS \"%s\"\n", setting_groups[group].title);
        for (size_t i = 0; i < settings_count; i++)
            if (is_in_group(&settings_table[i], setting_groups[group].key))
                print_with_items(&settings_table[i], stream);
    }
}
