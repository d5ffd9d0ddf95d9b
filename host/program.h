/*
 * program - what the daemons have in common around their work: the command line, and the
 * configuration file with every problem of it logged.
 */
#ifndef POSTVALVE_HOST_PROGRAM_H
#define POSTVALVE_HOST_PROGRAM_H

#include <stdbool.h>

struct config;
struct error_list;

struct program {
    const char *name;
    const char *purpose;
    const char *signals; /* what they do, for --help */
    bool has_spawn;      /* takes --spawn */
};

enum program_action {
    PROGRAM_SERVE,
    PROGRAM_SPAWN,
    PROGRAM_DONE, /* what was asked for is done, or could not be */
};

struct program_options {
    const char *config_file;
    int exit_status; /* PROGRAM_DONE: sysexits.h */
};

/* Reads the command line, and does what needs no daemon: --help, --version, --print-config,
 * --check-config. */
enum program_action program_begin(const struct program *program, int argc, char **argv,
                                  struct program_options *options_r);

/* A line a problem. */
void program_log_errors(const struct error_list *errors);
/* Logs every problem of a file that does not load: NULL. */
struct config *program_load_config(const char *file);

#endif
