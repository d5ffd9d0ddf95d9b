#include "host/master_process.h"

#include "common/memory.h"
#include "common/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PATH_SIZE 4352

/* The text of a small file, terminated; -1: cannot be read. */
static ssize_t read_text(const char *path, char *out, size_t out_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, out, out_size - 1);
    close(fd);
    out[length > 0 ? length : 0] = '\0';
    return length;
}

bool process_has_name(pid_t pid, const char *name)
{
    char path[64], text[64];
    snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
    if (read_text(path, text, sizeof(text)) < 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return strcmp(text, name) == 0;
}

bool proc_locks_parse_line(const char *line, const struct lock_file *file, pid_t *pid_r)
{
    struct lock_file found;
    long pid;
    /* number: FLOCK ADVISORY WRITE pid major:minor:inode start end */
    if (sscanf(line, "%*u: %*7s %*9s WRITE %ld %x:%x:%lu", &pid, &found.major, &found.minor,
               &found.inode) != 4)
        return false;
    *pid_r = (pid_t)pid;
    return pid > 0 && found.inode == file->inode && found.major == file->major &&
           found.minor == file->minor;
}

bool mount_info_parse_line(const char *line, long mount, struct lock_file *file)
{
    unsigned major_number, minor_number;
    long found;
    /* mount parent major:minor root place ... */
    if (sscanf(line, "%ld %*d %u:%u ", &found, &major_number, &minor_number) != 3 ||
        found != mount)
        return false;
    file->major = major_number;
    file->minor = minor_number;
    return true;
}

/* The mount that a descriptor is on; -1: not known. */
static long find_mount(int fd)
{
    char path[64], text[1024];
    long mount;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    const char *line = read_text(path, text, sizeof(text)) > 0 ? strstr(text, "mnt_id:") : NULL;
    return line && sscanf(line, "mnt_id: %ld", &mount) == 1 ? mount : -1;
}

/* As in /proc/locks, which shows the device of the file system: that of a subvolume, in
 * stat(2), is another. */
static void find_device(int fd, struct lock_file *file)
{
    char line[4096];
    long mount = find_mount(fd);
    FILE *mounts = mount >= 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
    if (!mounts)
        return;
    while (fgets(line, sizeof(line), mounts) && !mount_info_parse_line(line, mount, file))
        continue;
    fclose(mounts);
}

static bool describe_lock(const char *path, struct lock_file *file_r, struct error *error)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC); /* only root may read it */
    if (fd < 0 || fstat(fd, &status) < 0) {
        error_set(error, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *file_r = (struct lock_file){major(status.st_dev), minor(status.st_dev),
                                 (unsigned long)status.st_ino};
    find_device(fd, file_r);
    close(fd);
    return true;
}

bool master_process_find(const char *queue_directory, pid_t *master_r, struct error *error)
{
    char path[PATH_SIZE], line[256];
    struct lock_file file;
    bool is_found = false;
    snprintf(path, sizeof(path), "%s/pid/master.pid", queue_directory);
    if (!describe_lock(path, &file, error))
        return false;
    FILE *locks = fopen("/proc/locks", "re");
    if (!locks)
        return error_set(error, "/proc/locks: %s", strerror(errno));
    while (!is_found && fgets(line, sizeof(line), locks))
        is_found = proc_locks_parse_line(line, &file, master_r) &&
                   process_has_name(*master_r, "master");
    fclose(locks);
    return is_found ||
           error_set(error, "%s: no master(8) holds it, or /proc does not show it", path);
}

void pid_list_release(struct pid_list *list)
{
    free(list->pids);
    *list = (struct pid_list){.pids = NULL};
}

static void add(struct pid_list *list, long pid)
{
    if (list->count == MASTER_CHILDREN_MAX)
        return;
    if (list->count == list->size) {
        list->size = list->size ? 2 * list->size : 256;
        list->pids = memory_resize(list->pids, list->size, sizeof(*list->pids));
    }
    list->pids[list->count++] = (pid_t)pid;
}

static int compare(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

/* Where the kernel has no list of children: everybody's parent. */
static bool find_children(pid_t master, struct pid_list *list, struct error *error)
{
    char path[64], text[512];
    const struct dirent *entry;
    DIR *directory = opendir("/proc");
    if (!directory)
        return error_set(error, "/proc: %s", strerror(errno));
    while ((entry = readdir(directory)) != NULL) {
        int64_t pid;
        long parent;
        if (!number_parse(slice_from_string(entry->d_name), INT32_MAX, &pid))
            continue;
        snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
        const char *name_end =
            read_text(path, text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;
        if (name_end && sscanf(name_end, ") %*c %ld", &parent) == 1 && parent == (long)master)
            add(list, (long)pid);
    }
    closedir(directory);
    return true;
}

bool master_process_children(pid_t master, struct pid_list *list, struct error *error)
{
    char path[96];
    long pid;
    list->count = 0;
    if (!process_has_name(master, "master"))
        return error_set(error, "process %ld is no master(8)", (long)master);
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)master, (long)master);
    FILE *file = fopen(path, "re");
    if (file) {
        while (fscanf(file, "%ld", &pid) == 1)
            add(list, pid);
        fclose(file);
    } else if (!find_children(master, list, error)) {
        return false;
    }
    if (list->count > 0)
        qsort(list->pids, list->count, sizeof(*list->pids), compare);
    return true;
}
