/*
 * options - the command line of postvalve-milter.
 */
#ifndef POSTVALVE_MILTER_OPTIONS_H
#define POSTVALVE_MILTER_OPTIONS_H

#include <stdbool.h>

enum options_action {
    OPTIONS_SERVE,
    OPTIONS_PRINT_CONFIG,
    OPTIONS_CHECK_CONFIG,
    OPTIONS_HELP,
    OPTIONS_VERSION,
};

struct options {
    enum options_action action;
    const char *config_file;
};

/* False: not understood; said so on standard error. */
bool options_parse(int argc, char **argv, struct options *options_r);
void options_print_help(void);

#endif
