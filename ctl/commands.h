/*
 * commands - what postvalvectl can do: a file command_*.c and a row of the table each.
 */
#ifndef POSTVALVE_CTL_COMMANDS_H
#define POSTVALVE_CTL_COMMANDS_H

#include "ctl/arguments.h"

#include <jansson.h>
#include <stdbool.h>

struct config;
struct error;

struct command {
    const char *name;
    const char *usage; /* its options and operands */
    const char *help;  /* NULL: not shown; for the build */
    /* The arguments after the name. Returns the exit status. */
    int (*run)(struct arguments *arguments);
};

/* Ends with a row without a name. */
extern const struct command command_table[];

/* NULL: no such command. */
const struct command *command_find(const char *name);
/* To standard error; returns EX_USAGE. */
int command_usage_error(const char *name);
/* The error to standard error; returns EX_UNAVAILABLE. */
int command_failed(const struct error *error);

/* To standard output; takes the reference. */
void command_print_json(json_t *root);

/* Reads the configuration; NULL: every problem is on standard error. */
struct config *command_load_config(const char *file);

int command_allow(struct arguments *arguments);
int command_auto(struct arguments *arguments);
int command_block(struct arguments *arguments);
int command_check_config(struct arguments *arguments);
int command_explain(struct arguments *arguments);
int command_force(struct arguments *arguments);
int command_forget(struct arguments *arguments);
int command_help(struct arguments *arguments);
int command_list(struct arguments *arguments);
int command_off(struct arguments *arguments);
int command_on(struct arguments *arguments);
int command_postfix_stress(struct arguments *arguments);
int command_rbl(struct arguments *arguments);
int command_settings(struct arguments *arguments);
int command_stats(struct arguments *arguments);
int command_report(struct arguments *arguments);
int command_status(struct arguments *arguments);
int command_top(struct arguments *arguments);
int command_verify(struct arguments *arguments);

#endif
