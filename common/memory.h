/*
 * memory - allocation that does not fail: out of memory ends the program with EX_OSERR and a
 * line on stderr. What is asked for is always bounded by the caller, never by input alone.
 */
#ifndef POSTVALVE_COMMON_MEMORY_H
#define POSTVALVE_COMMON_MEMORY_H

#include <stddef.h>

/* Zeroed memory for count members; the caller frees it with free(). */
void *memory_allocate(size_t count, size_t size);
/* As realloc(); the new part is not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size);
char *memory_copy_string(const char *string);

#endif
