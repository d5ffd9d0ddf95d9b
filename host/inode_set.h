/*
 * inode_set - the sockets of a process, by inode. One thread at a time.
 */
#ifndef POSTVALVE_HOST_INODE_SET_H
#define POSTVALVE_HOST_INODE_SET_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INODE_SET_MAX 1000000

/* Start value: all zero. */
struct inode_set {
    uint64_t *inodes; /* sorted */
    size_t count, size;
};

void inode_set_clear(struct inode_set *set);
void inode_set_release(struct inode_set *set);
/* Adds the sockets that a process has open, as /proc tells: 1 us for each of its files. Needs
 * the right to trace it (root, or CAP_SYS_PTRACE). */
bool inode_set_add_process(struct inode_set *set, pid_t pid, struct error *error);
bool inode_set_contains(const struct inode_set *set, uint64_t inode);

#endif
