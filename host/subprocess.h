/*
 * subprocess - runs a program to its end and takes what it prints. No shell. Any thread;
 * blocks.
 */
#ifndef POSTVALVE_HOST_SUBPROCESS_H
#define POSTVALVE_HOST_SUBPROCESS_H

#include "common/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The absolute path of a program of Postfix ("postconf", "postfix"), in the places packages and
 * "make install" put it; the caller's PATH does not count. False when it is in none of them. */
bool subprocess_find(const char *name, char path_r[static PATH_MAX]);

/* argv[0] is an absolute path. output_r gets standard output, terminated. False when it cannot
 * be started, exits with another status than 0 (the error has its last words from standard
 * error), prints more than fits, or is not done after deadline_ms: then it is killed. It runs
 * with a PATH and the C locale as its whole environment and without our signal mask. The caller
 * must not ignore SIGCHLD or reap children it did not start. */
bool subprocess_run(const char *const argv[], int deadline_ms, char *output_r,
                    size_t output_size, struct error *error);

#endif
