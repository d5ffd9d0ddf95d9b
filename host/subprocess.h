/*
 * subprocess - runs a program to its end and takes what it prints. No shell. Any thread;
 * blocks.
 */
#ifndef POSTVALVE_HOST_SUBPROCESS_H
#define POSTVALVE_HOST_SUBPROCESS_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

/* argv[0] is an absolute path. output_r gets standard output, terminated. False when it cannot
 * be started, exits with another status than 0 (the error has its last words from standard
 * error), prints more than fits, or is not done after deadline_ms: then it is killed. It runs
 * with a PATH and the C locale as its whole environment and without our signal mask. The caller
 * must not ignore SIGCHLD or reap children it did not start. */
bool subprocess_run(const char *const argv[], int deadline_ms, char *output_r,
                    size_t output_size, struct error *error);

#endif
