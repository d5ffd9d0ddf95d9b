/* Processes of Postfix: command lines, locks, and a master of our own making. */
#include "host/smtpd_processes.h"

#include "host/master_process.h"
#include "host/unix_queue.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

#define LINE(text) text, sizeof(text) - 1

static void test_command_lines(void)
{
    static const struct {
        const char *line;
        size_t length;
        enum smtpd_program program;
        const char *service, *type;
        bool is_stressed;
    } table[] = {
        {LINE("smtpd\0-n\0smtp\0-t\0inet\0-u\0-c\0-o\0stress=\0-s\0"
              "2\0"),
         PROGRAM_SMTPD, "smtp", "inet", false},
        {LINE("smtpd\0-n\0smtp\0-t\0inet\0-u\0-o\0stress=yes\0"), PROGRAM_SMTPD, "smtp", "inet",
         true},
        {LINE("/usr/lib/postfix/sbin/smtpd\0-n\0"
              "2525\0-t\0inet\0-o\0stress=yes\0-o\0x=y\0"),
         PROGRAM_SMTPD, "2525", "inet", true},
        {LINE("smtpd\0-t\0pass\0-u\0-o\0stress=\0-o\0stress=yes\0"), PROGRAM_SMTPD, "smtpd",
         "pass", true}, /* forced by hand: the last one counts */
        {LINE("smtpd\0-t\0pass\0-o\0stress=yes\0-o\0stress=\0"), PROGRAM_SMTPD, "smtpd", "pass",
         false},
        {LINE("postscreen\0-l\0-n\0smtp\0-t\0inet\0-u\0"), PROGRAM_POSTSCREEN, "smtp", "inet",
         false},
        {LINE("qmgr\0-l\0-t\0unix\0-u\0"), PROGRAM_OTHER, "smtpd", "unix", false},
        {LINE("/usr/lib/postfix/sbin/master\0-w\0"), PROGRAM_MASTER, "smtpd", "", false},
        {LINE("smtpd\0-n"), PROGRAM_SMTPD, "smtpd", "", false},
        {LINE("smtpd"), PROGRAM_SMTPD, "smtpd", "", false},
        {LINE(""), PROGRAM_OTHER, "", "", false},
        {LINE("\0\0\0"), PROGRAM_OTHER, "smtpd", "", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct smtpd_command command;
        smtpd_command_parse(table[i].line, table[i].length, &command);
        ok(command.program == table[i].program && command.is_stressed == table[i].is_stressed,
           "command line %zu", i);
        is_string(command.service, table[i].service, "... service");
        is_string(command.type, table[i].type, "... type");
    }
}

static void test_locks(void)
{
    static const struct {
        const char *line;
        pid_t pid; /* 0: none */
        const char *what;
    } table[] = {
        {"7: FLOCK  ADVISORY  WRITE 21235 fe:0a:11019580 0 EOF\n", 21235, "flock"},
        {"1: POSIX  ADVISORY  WRITE 9 fe:0a:11019580 0 EOF\n", 9, "fcntl"},
        {"7: FLOCK  ADVISORY  WRITE 21235 fe:0a:5 0 EOF\n", 0, "another file"},
        {"7: FLOCK  ADVISORY  WRITE 21235 fe:00:11019580 0 EOF\n", 0, "of another device"},
        {"1: POSIX  ADVISORY  READ 9 fe:0a:11019580 0 EOF\n", 0, "a reader"},
        {"1: -> FLOCK ADVISORY WRITE 9 fe:0a:11019580 0 EOF\n", 0, "who waits for it"},
        {"1: FLOCK  ADVISORY  WRITE -1 fe:0a:11019580 0 EOF\n", 0, "of another namespace"},
        {"", 0, "nothing"},
    };
    struct lock_file file = {0xfe, 0x0a, 11019580};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pid_t pid = 0;
        bool is_found = proc_locks_parse_line(table[i].line, &file, &pid);
        ok(is_found == (table[i].pid != 0) && (!is_found || pid == table[i].pid), "lock: %s",
           table[i].what);
    }
    ok(mount_info_parse_line("27 1 254:16 / / rw,noatime - ext4 /dev/vda rw\n", 27, &file) &&
           file.major == 254 && file.minor == 16,
       "the device of a mount");
    ok(!mount_info_parse_line("27 1 254:0 / / rw,noatime - ext4 /dev/vda rw\n", 1, &file) &&
           !mount_info_parse_line("", 1, &file) && file.minor == 16,
       "of another mount");
}

/* A child that shows a command line of our choice: argv in the memory of this program. */
static pid_t start_child(char *const argv[])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv("/bin/sleep", argv);
    _exit(127);
}

/* A process called master, which holds the lock, with children that look like smtpd. */
static pid_t start_master(int *control)
{
    static char sleep_s[] = "60";
    char *const calm[] = {(char[]){"smtpd"}, sleep_s, NULL};
    int ends[2];
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid != 0) {
        close(ends[1]);
        char byte;
        if (read(ends[0], &byte, 1) != 1)
            perror("pipe");
        *control = ends[0];
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "master");
    char path[96];
    snprintf(path, sizeof(path), "%s/pid/master.pid", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (flock(fd, LOCK_EX) < 0)
        perror(path);
    for (int i = 0; i < 3; i++)
        start_child(calm);
    if (write(ends[1], "x", 1) != 1)
        perror("pipe");
    for (;;)
        pause();
}

static void test_master(void)
{
    struct error error = {""};
    struct pid_list children = {.count = 0};
    int control = -1;
    pid_t found = 0;
    ok(!master_process_find(directory, &found, &error), "no master: %s", error.text);
    pid_t master = start_master(&control);
    ok(master_process_find(directory, &found, &error) && found == master, "found by its lock");
    ok(master_process_children(master, &children, &error) && children.count == 3,
       "its children");
    ok(!master_process_children(getpid(), &children, &error), "not a master: %s", error.text);

    struct smtpd_processes *processes = smtpd_processes_open(directory);
    struct smtpd_count count = {0, 0};
    for (int i = 0; i < 1000 && count.processes < 3; i++) {
        if (!smtpd_processes_scan(processes, &error))
            printf("# %s\n", error.text);
        count = smtpd_processes_count(processes, "smtpd", "");
        poll(NULL, 0, 5);
    }
    is_number(count.processes, 3, "they are smtpd processes");
    is_number(smtpd_processes_count(processes, "smtp", "inet").processes, 0, "of that service");
    struct inode_set set = {.count = 0};
    ok(smtpd_processes_postscreen(processes, &set, &error) && set.count == 0, "no postscreen");
    inode_set_release(&set);

    kill(master, SIGKILL);
    waitpid(master, NULL, 0);
    ok(!smtpd_processes_scan(processes, &error), "gone: %s", error.text);
    is_number(smtpd_processes_count(processes, "smtpd", "").processes, 0, "nothing is known");
    smtpd_processes_close(processes);
    smtpd_processes_close(NULL);
    pid_list_release(&children);
    close(control);
}

/* A Postfix ended and left its file, whose number is now that of another's master. */
static void test_stale_file(void)
{
    struct error error = {""};
    char path[96];
    pid_t found, other = fork();
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "master");
        for (;;)
            pause();
    }
    while (!process_has_name(other, "master"))
        poll(NULL, 0, 1);
    snprintf(path, sizeof(path), "%s/pid/master.pid", directory);
    FILE *file = fopen(path, "we");
    if (!file || fprintf(file, "%10ld\n", (long)other) < 0 || fclose(file) != 0)
        perror(path);
    ok(!master_process_find(directory, &found, &error), "a master without the lock: %s",
       error.text);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

/* Who waits in the queue of a unix socket that is bound as master(8) binds its sockets. */
static void test_unix_queue(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "private/smtpd"};
    int waiting = -1, clients[5];
    char before[4096];
    if (!getcwd(before, sizeof(before)) || chdir(directory) < 0)
        perror("chdir");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct unix_queue *queue = unix_queue_open(directory, "smtpd");
    ok(!unix_queue_read(queue, &waiting), "nobody listens");
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 10) < 0)
        perror("listen");
    ok(unix_queue_read(queue, &waiting) && waiting == 0, "nobody waits");
    for (int i = 0; i < 5; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(clients[i], (const struct sockaddr *)&address, sizeof(address)) < 0)
            perror("connect");
    }
    close(accept(listener, NULL, NULL));
    ok(unix_queue_read(queue, &waiting), "some wait");
    is_number(waiting, 4, "how many");
    struct unix_queue *other = unix_queue_open(directory, "smtp");
    ok(!unix_queue_read(other, &waiting), "another name");
    struct unix_queue *hidden = unix_queue_open("/dev/null", "smtpd");
    ok(unix_queue_read(hidden, &waiting) && waiting >= 4, "a file that we cannot see");
    unix_queue_close(hidden);
    unix_queue_close(other);
    unix_queue_close(queue);
    unix_queue_close(NULL);
    for (int i = 0; i < 5; i++)
        close(clients[i]);
    close(listener);
    unlink("private/smtpd");
    if (chdir(before) < 0)
        perror(before);
}

static void in_directory(const char *name, bool is_made)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (is_made ? mkdir(path, 0755) < 0 : remove(path) < 0)
        perror(path);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/pvXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    in_directory("pid", true);
    in_directory("private", true);
    test_command_lines();
    test_locks();
    test_master();
    test_stale_file();
    test_unix_queue();
    in_directory("pid/master.pid", false);
    in_directory("pid", false);
    in_directory("private", false);
    is_number(rmdir(directory), 0, "nothing is left behind");
    return done_testing();
}
