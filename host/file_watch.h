/*
 * file_watch - whether a file has changed since it was last read, by stat(2).
 */
#ifndef POSTVALVE_HOST_FILE_WATCH_H
#define POSTVALVE_HOST_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct file_stamp {
    bool is_there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* Start value: all zero, a file that was not there. */
struct file_watch {
    struct file_stamp read, seen; /* read: as acknowledged */
};

/* True when it differs from what was acknowledged, and did not change since the last call: who
 * writes it may not be done yet. Call it once a second or so. */
bool file_watch_has_changed(struct file_watch *watch, const char *path);
/* The file is read as it is now. */
void file_watch_acknowledge(struct file_watch *watch, const char *path);

#endif
