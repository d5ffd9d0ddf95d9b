#include "ctl/arguments.h"

#include <stdio.h>
#include <string.h>

/* What follows the name of an option: "--name=VALUE" or the next argument. False: it is not
 * this option, or its value is missing. */
static bool take_value(const struct arguments *arguments, const char *name, int *index,
                       const char **value_r)
{
    const char *text = arguments->values[*index];
    size_t length = strlen(name);
    if (strncmp(text, name, length) != 0)
        return false;
    if (text[length] == '=') {
        *value_r = text + length + 1;
        return true;
    }
    if (text[length] != '\0' || *index + 1 >= arguments->count)
        return false;
    *value_r = arguments->values[++*index];
    return true;
}

static bool take_config(struct arguments *arguments, int *index)
{
    const char *text = arguments->values[*index];
    return take_value(arguments, "--config", index, &arguments->config_file) ||
           (strcmp(text, "-c") == 0 &&
            take_value(arguments, "-c", index, &arguments->config_file));
}

static bool take_option(const struct arguments *arguments, const struct argument_option *option,
                        int *index)
{
    for (; option->name; option++) {
        if (option->value && take_value(arguments, option->name, index, option->value))
            return true;
        if (option->is_given && strcmp(option->name, arguments->values[*index]) == 0)
            return *option->is_given = true;
    }
    return false;
}

bool arguments_parse(struct arguments *arguments, const struct argument_option *options,
                     bool stops_at_operand)
{
    int left = 0;
    bool is_past_options = false;
    for (int i = 0; i < arguments->count; i++) {
        char *value = arguments->values[i];
        if (is_past_options || value[0] != '-' || value[1] == '\0') {
            is_past_options = is_past_options || stops_at_operand;
            arguments->values[left++] = value;
        } else if (strcmp(value, "--") == 0) {
            is_past_options = true;
        } else if (!take_config(arguments, &i) && !take_option(arguments, options, &i)) {
            fprintf(stderr, "%s: '%s' is not an option here, or its value is missing\n",
                    ARGUMENTS_PROGRAM, value);
            return false;
        }
    }
    arguments->count = left;
    return true;
}
