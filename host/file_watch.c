#include "host/file_watch.h"

#include <sys/stat.h>

static struct file_stamp look(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return (struct file_stamp){.is_there = false};
    return (struct file_stamp){true, status.st_dev, status.st_ino, status.st_size,
                               status.st_mtim};
}

static bool is_same(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->is_there == b->is_there &&
           (!a->is_there || (a->device == b->device && a->inode == b->inode &&
                             a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
                             a->modified.tv_nsec == b->modified.tv_nsec));
}

bool file_watch_has_changed(struct file_watch *watch, const char *path)
{
    struct file_stamp now = look(path);
    bool is_at_rest = is_same(&now, &watch->seen);
    watch->seen = now;
    return is_at_rest && !is_same(&now, &watch->read);
}

void file_watch_acknowledge(struct file_watch *watch, const char *path)
{
    watch->read = watch->seen = look(path);
}
