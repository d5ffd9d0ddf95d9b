/*
 * log - the one sink for log lines: syslog (facility mail) or stderr.
 *
 * Every call is one line: control characters in the text become '?', what is longer than
 * LOG_LINE_SIZE is cut. Values from outside go through common/escape.h before they get here.
 * Threads may log at the same time; log_open() belongs to the main thread, at start and at a
 * reload (then it changes the target for all).
 */
#ifndef POSTVALVE_HOST_LOG_H
#define POSTVALVE_HOST_LOG_H

#include "common/config.h"

#include <stdbool.h>

#define LOG_LINE_SIZE 1024 /* with prefix and newline */

/* Before the first log_open() lines go to stderr under the name "postvalve". program is copied.
 * With is_verbose log_debug() writes too. */
void log_open(const char *program, enum log_target target, bool is_verbose);

/* On stderr "program[pid]: error: text", "... warning: text"; information and debug lines have
 * no such word. errno is left as it was. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
