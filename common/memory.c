#include "common/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void *memory_check(void *memory)
{
    if (!memory) {
        fputs("postvalve: fatal: out of memory\n", stderr);
        exit(EX_OSERR);
    }
    return memory;
}

void *memory_allocate(size_t count, size_t size)
{
    return memory_check(calloc(count ? count : 1, size ? size : 1));
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        memory_check(NULL);
    size_t bytes = count * size;
    return memory_check(realloc(memory, bytes > 0 ? bytes : 1));
}

char *memory_copy_string(const char *string)
{
    return memory_check(strdup(string));
}
