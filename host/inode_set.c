#include "host/inode_set.h"

#include "common/memory.h"
#include "common/number.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void inode_set_clear(struct inode_set *set)
{
    set->count = 0;
}

void inode_set_release(struct inode_set *set)
{
    free(set->inodes);
    *set = (struct inode_set){.inodes = NULL};
}

static void add(struct inode_set *set, uint64_t inode)
{
    if (set->count == INODE_SET_MAX)
        return;
    if (set->count == set->size) {
        set->size = set->size ? 2 * set->size : 256;
        set->inodes = memory_resize(set->inodes, set->size, sizeof(*set->inodes));
    }
    set->inodes[set->count++] = inode;
}

/* "socket:[12345]" */
static bool parse_socket(const char *target, size_t length, int64_t *inode_r)
{
    static const char prefix[] = "socket:[";
    size_t begin = sizeof(prefix) - 1;
    return length > begin + 1 && memcmp(target, prefix, begin) == 0 &&
           number_parse((struct slice){target + begin, length - begin - 1}, INT64_MAX, inode_r);
}

bool inode_set_add_process(struct inode_set *set, pid_t pid, struct error *error)
{
    char path[64], target[64];
    snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return error_set(error, "%s: %s", path, strerror(errno));
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        int64_t inode;
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));
        if (length > 0 && (size_t)length < sizeof(target) &&
            parse_socket(target, (size_t)length, &inode))
            add(set, (uint64_t)inode);
    }
    closedir(directory);
    if (set->count > 0)
        qsort(set->inodes, set->count, sizeof(*set->inodes), compare);
    return true;
}

bool inode_set_contains(const struct inode_set *set, uint64_t inode)
{
    return set->count > 0 &&
           bsearch(&inode, set->inodes, set->count, sizeof(inode), compare) != NULL;
}
