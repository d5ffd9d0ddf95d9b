/*
 * error_list - several errors at once, bounded: an administrator sees every mistake in a file,
 * not the first one only.
 *
 * About 32 KiB: it fits a stack, but not a deep one. Start value: all zero counts.
 */
#ifndef POSTVALVE_COMMON_ERROR_LIST_H
#define POSTVALVE_COMMON_ERROR_LIST_H

#include "common/error.h"

#include <stddef.h>
#include <stdio.h>

#define ERROR_LIST_SIZE 64

struct error_list {
    size_t count;   /* in errors */
    size_t omitted; /* more than fit: only counted */
    struct error errors[ERROR_LIST_SIZE];
};

void error_list_init(struct error_list *list);
/* Adds a line, cut to the size of struct error. */
void error_list_add(struct error_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool error_list_is_empty(const struct error_list *list);
/* A line each, "PREFIX: TEXT", and how many more there are. */
void error_list_print(const struct error_list *list, const char *prefix, FILE *stream);

#endif
