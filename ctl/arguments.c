#include "ctl/arguments.h"

#include <stdio.h>
#include <string.h>

/* --config FILE, --config=FILE, -c FILE; the file, or NULL where it is another argument. */
static const char *config_argument(const struct arguments *arguments, int *index)
{
    const char *value = arguments->values[*index];
    if (strncmp(value, "--config=", 9) == 0)
        return value + 9;
    bool is_config = strcmp(value, "--config") == 0 || strcmp(value, "-c") == 0;
    return is_config && *index + 1 < arguments->count ? arguments->values[++*index] : NULL;
}

static bool take_flag(const struct argument_flag *flags, const char *value)
{
    for (; flags->name; flags++) {
        if (strcmp(flags->name, value) == 0) {
            *flags->is_given = true;
            return true;
        }
    }
    return false;
}

bool arguments_parse(struct arguments *arguments, const struct argument_flag *flags,
                     bool stops_at_operand)
{
    int left = 0;
    bool is_past_options = false;
    for (int i = 0; i < arguments->count; i++) {
        char *value = arguments->values[i];
        const char *config_file;
        if (is_past_options || value[0] != '-' || value[1] == '\0') {
            is_past_options = is_past_options || stops_at_operand;
            arguments->values[left++] = value;
        } else if (strcmp(value, "--") == 0) {
            is_past_options = true;
        } else if ((config_file = config_argument(arguments, &i)) != NULL) {
            arguments->config_file = config_file;
        } else if (!take_flag(flags, value)) {
            fprintf(stderr, "%s: '%s' is not an option here, or its value is missing\n",
                    ARGUMENTS_PROGRAM, value);
            return false;
        }
    }
    arguments->count = left;
    return true;
}
