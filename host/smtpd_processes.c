#include "host/smtpd_processes.h"

#include "common/memory.h"
#include "common/slice.h"
#include "host/master_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_SIZE 8192
/* A process number may be given away again: each scan reads this part of them anew. */
#define READ_AGAIN_PART 64
/* So may master's: it is looked for anew at each of so many scans. */
#define FIND_AGAIN_SCANS 16

struct process {
    pid_t pid;
    struct smtpd_command command;
};

struct smtpd_processes {
    char *queue_directory;
    pid_t master; /* 0: not known */
    struct pid_list children;
    struct process *processes, *spare; /* sorted by pid; spare: room for the next scan */
    size_t count, size, spare_size;
    unsigned scans;
};

struct smtpd_processes *smtpd_processes_open(const char *queue_directory)
{
    struct smtpd_processes *processes = memory_allocate(1, sizeof(*processes));
    processes->queue_directory = memory_copy_string(queue_directory);
    return processes;
}

void smtpd_processes_close(struct smtpd_processes *processes)
{
    if (!processes)
        return;
    pid_list_release(&processes->children);
    free(processes->processes);
    free(processes->spare);
    free(processes->queue_directory);
    free(processes);
}

/* Command lines */

static enum smtpd_program find_program(struct slice path)
{
    for (size_t i = path.length; i > 0; i--)
        if (path.data[i - 1] == '/') {
            path = (struct slice){path.data + i, path.length - i};
            break;
        }
    return slice_equals(path, SLICE_LITERAL("smtpd"))        ? PROGRAM_SMTPD
           : slice_equals(path, SLICE_LITERAL("postscreen")) ? PROGRAM_POSTSCREEN
           : slice_equals(path, SLICE_LITERAL("master"))     ? PROGRAM_MASTER
                                                             : PROGRAM_OTHER;
}

/* The next argument; false at the end. */
static bool next_argument(struct slice *rest, struct slice *argument_r)
{
    if (rest->length == 0)
        return false;
    *argument_r = (struct slice){rest->data, strnlen(rest->data, rest->length)};
    size_t taken = argument_r->length < rest->length ? argument_r->length + 1 : rest->length;
    *rest = (struct slice){rest->data + taken, rest->length - taken};
    return true;
}

/* "stress=yes", or "stress=", which master(8) passes on otherwise: the last one counts. */
static void take_option(struct smtpd_command *command, struct slice option)
{
    static const char name[] = "stress=";
    size_t length = sizeof(name) - 1;
    if (option.length >= length && memcmp(option.data, name, length) == 0)
        command->is_stressed = option.length > length;
}

void smtpd_command_parse(const char *line, size_t length, struct smtpd_command *command_r)
{
    struct slice rest = {line, length}, argument, value;
    *command_r = (struct smtpd_command){.program = PROGRAM_OTHER};
    if (!next_argument(&rest, &argument))
        return;
    command_r->program = find_program(argument);
    while (next_argument(&rest, &argument)) {
        if (slice_equals(argument, SLICE_LITERAL("-n")) && next_argument(&rest, &value))
            slice_copy_string(value, command_r->service, sizeof(command_r->service));
        else if (slice_equals(argument, SLICE_LITERAL("-t")) && next_argument(&rest, &value))
            slice_copy_string(value, command_r->type, sizeof(command_r->type));
        else if (slice_equals(argument, SLICE_LITERAL("-o")) && next_argument(&rest, &value))
            take_option(command_r, value);
    }
    /* master(8) leaves it out where it is the name of the program. */
    if (!command_r->service[0])
        snprintf(command_r->service, sizeof(command_r->service), "%s",
                 command_r->program == PROGRAM_POSTSCREEN ? "postscreen" : "smtpd");
}

static bool read_command(pid_t pid, struct smtpd_command *command_r)
{
    char path[64], line[COMMAND_SIZE];
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, line, sizeof(line));
    close(fd);
    if (length <= 0)
        return false;
    smtpd_command_parse(line, (size_t)length, command_r);
    return true;
}

/* Scan */

/* A process whose command line need not be read; at: where the last one was found. */
static const struct process *find_known(const struct smtpd_processes *processes, size_t *at,
                                        pid_t pid)
{
    while (*at < processes->count && processes->processes[*at].pid < pid)
        ++*at;
    if (*at == processes->count || processes->processes[*at].pid != pid)
        return NULL;
    bool is_due = (unsigned)pid % READ_AGAIN_PART == processes->scans % READ_AGAIN_PART;
    const struct process *found = &processes->processes[*at];
    return is_due || found->command.program == PROGRAM_MASTER ? NULL : found;
}

static void take_children(struct smtpd_processes *processes)
{
    const struct pid_list *children = &processes->children;
    size_t count = 0, known = 0;
    if (processes->spare_size < children->count) {
        processes->spare_size = children->size;
        processes->spare =
            memory_resize(processes->spare, processes->spare_size, sizeof(*processes->spare));
    }
    for (size_t i = 0; i < children->count; i++) {
        struct process *process = &processes->spare[count];
        const struct process *old = find_known(processes, &known, children->pids[i]);
        process->pid = children->pids[i];
        if (old)
            process->command = old->command;
        else if (!read_command(process->pid, &process->command))
            continue;
        count++;
    }
    struct process *old = processes->processes;
    size_t old_size = processes->size;
    processes->processes = processes->spare;
    processes->size = processes->spare_size;
    processes->spare = old;
    processes->spare_size = old_size;
    processes->count = count;
}

static bool list_children(struct smtpd_processes *processes, struct error *error)
{
    if (processes->master != 0 && processes->scans % FIND_AGAIN_SCANS != 0 &&
        master_process_children(processes->master, &processes->children, error))
        return true;
    pid_t before = processes->master;
    if (!master_process_find(processes->queue_directory, &processes->master, error))
        return false;
    if (processes->master != before)
        processes->count = 0; /* another master has other children */
    return master_process_children(processes->master, &processes->children, error);
}

bool smtpd_processes_scan(struct smtpd_processes *processes, struct error *error)
{
    processes->scans++;
    if (!list_children(processes, error)) {
        processes->master = 0;
        processes->count = 0;
        return false;
    }
    take_children(processes);
    return true;
}

struct smtpd_count smtpd_processes_count(const struct smtpd_processes *processes,
                                         const char *service, const char *type)
{
    struct smtpd_count count = {0, 0};
    for (size_t i = 0; i < processes->count; i++) {
        const struct smtpd_command *command = &processes->processes[i].command;
        if (command->program != PROGRAM_SMTPD || strcmp(command->service, service) != 0 ||
            strcmp(command->type, type) != 0)
            continue;
        count.processes++;
        count.stressed += command->is_stressed;
    }
    return count;
}

bool smtpd_processes_postscreen(const struct smtpd_processes *processes, struct inode_set *set,
                                struct error *error)
{
    inode_set_clear(set);
    for (size_t i = 0; i < processes->count; i++) {
        if (processes->processes[i].command.program != PROGRAM_POSTSCREEN)
            continue;
        if (!inode_set_add_process(set, processes->processes[i].pid, error))
            return false;
    }
    return true;
}
