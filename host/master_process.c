#include "host/master_process.h"

#include "common/memory.h"
#include "common/number.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

bool proc_locks_parse_line(const char *line, ino_t inode, pid_t *pid_r)
{
    unsigned long found;
    long pid;
    /* number: FLOCK ADVISORY WRITE pid major:minor:inode start end */
    if (sscanf(line, "%*u: %*7s %*9s WRITE %ld %*x:%*x:%lu", &pid, &found) != 2)
        return false;
    *pid_r = (pid_t)pid;
    return found == inode && pid > 0;
}

/* Not the device: file systems with subvolumes show another one there than stat(2) does. */
static bool find_by_lock(ino_t inode, pid_t *master_r)
{
    char line[256];
    bool is_found = false;
    FILE *file = fopen("/proc/locks", "re");
    if (!file)
        return false;
    while (!is_found && fgets(line, sizeof(line), file))
        is_found = proc_locks_parse_line(line, inode, master_r) &&
                   process_has_name(*master_r, "master");
    fclose(file);
    return is_found;
}

bool master_process_find(const char *queue_directory, pid_t *master_r, struct error *error)
{
    char path[PATH_SIZE], text[64];
    struct stat status;
    int64_t pid;
    snprintf(path, sizeof(path), "%s/pid/master.pid", queue_directory);
    /* Only root may read it. */
    if (read_text(path, text, sizeof(text)) > 0) {
        struct slice number = {text, strcspn(text, "\n")};
        while (number.length > 0 && isspace((unsigned char)number.data[0]))
            number = (struct slice){number.data + 1, number.length - 1};
        if (number_parse(number, INT32_MAX, &pid) && process_has_name((pid_t)pid, "master")) {
            *master_r = (pid_t)pid;
            return true;
        }
    }
    if (stat(path, &status) < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    return find_by_lock(status.st_ino, master_r) ||
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
