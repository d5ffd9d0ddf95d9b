/*
 * master_process - which process is the master(8) of a Postfix, and what its children are.
 *
 * Needs no privileges where /proc shows other users' processes: master keeps a lock on
 * QUEUE_DIRECTORY/pid/master.pid, and /proc/locks tells whose it is. The number in that file
 * may by now be that of the master of another Postfix. Any thread.
 */
#ifndef POSTVALVE_HOST_MASTER_PROCESS_H
#define POSTVALVE_HOST_MASTER_PROCESS_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MASTER_CHILDREN_MAX 65536

bool master_process_find(const char *queue_directory, pid_t *master_r, struct error *error);

/* Start value: all zero. */
struct pid_list {
    pid_t *pids; /* sorted */
    size_t count, size;
};
void pid_list_release(struct pid_list *list);
/* The children of a process. False: it is gone, or its children cannot be seen. */
bool master_process_children(pid_t master, struct pid_list *list, struct error *error);

/* Whether the process has this name (comm). */
bool process_has_name(pid_t pid, const char *name);
/* A file as /proc/locks names it. */
struct lock_file {
    unsigned major, minor; /* of the file system */
    unsigned long inode;
};
/* One line of /proc/locks: the process that holds a write lock on the file. */
bool proc_locks_parse_line(const char *line, const struct lock_file *file, pid_t *pid_r);
/* One line of /proc/self/mountinfo: the device, if it is that of the mount. */
bool mount_info_parse_line(const char *line, long mount, struct lock_file *file);

#endif
