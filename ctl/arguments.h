/*
 * arguments - the command line of postvalvectl: options and --config, before or after the
 * command.
 */
#ifndef POSTVALVE_CTL_ARGUMENTS_H
#define POSTVALVE_CTL_ARGUMENTS_H

#include <stdbool.h>

#define ARGUMENTS_PROGRAM "postvalvectl"

struct arguments {
    const char *config_file;
    int count; /* what is left */
    char **values;
};

/* An option with a value or a flag: one of the two is not NULL. */
struct argument_option {
    const char *name; /* "--json"; NULL ends a table */
    bool *is_given;
    const char **value;
};

/* Takes options ("--for 10m", "--for=10m") and --config FILE out; what is left are operands, in
 * order. With stops_at_operand the first operand and all after it are left alone. "--" ends the
 * options. False: not understood, which was said on standard error. */
bool arguments_parse(struct arguments *arguments, const struct argument_option *options,
                     bool stops_at_operand);

#endif
