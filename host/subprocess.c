#include "host/subprocess.h"

#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    const char *program;
    pid_t pid;
    int output_fd, error_fd;
};

bool subprocess_find(const char *name, char path_r[static PATH_MAX])
{
    static const char *const places[] = {"/usr/sbin", "/usr/local/sbin", "/usr/bin",
                                         "/usr/local/bin", "/opt/postfix/usr/sbin"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path_r, PATH_MAX, "%s/%s", places[i], name);
        if (access(path_r, X_OK) == 0)
            return true;
    }
    return false;
}

static int spawn(const char *const argv[], int output_fd, int error_fd, pid_t *pid_r)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char locale[] = "LC_ALL=C";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGHUP);
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGINT);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error_fd, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    /* posix_spawn() changes none of the strings; its type is older than const. */
    int code = posix_spawn(pid_r, argv[0], &actions, &attributes,
                           (char *const *)(uintptr_t)argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static bool child_start(struct child *child, const char *const argv[], struct error *error)
{
    int output[2], errors[2];
    child->program = argv[0];
    if (pipe2(output, O_CLOEXEC) < 0)
        return error_set(error, "%s: pipe: %s", argv[0], strerror(errno));
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
        error_set(error, "%s: pipe: %s", argv[0], strerror(errno));
        close(output[0]);
        close(output[1]);
        return false;
    }
    int code = spawn(argv, output[1], errors[1], &child->pid);
    close(output[1]);
    close(errors[1]);
    child->output_fd = output[0];
    child->error_fd = errors[0];
    if (code == 0)
        return true;
    close(output[0]);
    close(errors[0]);
    return error_set(error, "%s: %s", argv[0], strerror(code));
}

/* Reads to the end of the output. */
static bool child_read(const struct child *child, int64_t deadline_ms, char *output,
                       size_t size, struct error *error)
{
    size_t length = 0;
    output[0] = '\0';
    for (;;) {
        struct pollfd poll_fd = {.fd = child->output_fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        int ready = left_ms > 0 ? poll(&poll_fd, 1, (int)left_ms) : 0;
        if (ready == 0)
            return error_set(error, "%s: no answer in time, killed", child->program);
        ssize_t received =
            ready < 0 ? -1 : read(child->output_fd, output + length, size - length);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return error_set(error, "%s: read: %s", child->program, strerror(errno));
        length += (size_t)received;
        if (length == size) {
            output[size - 1] = '\0';
            return error_set(error, "%s: more than %zu bytes of output", child->program,
                             size - 1);
        }
        output[length] = '\0';
        if (received == 0)
            return true;
    }
}

/* The first line on standard error: the reason, where there is one. */
static void child_read_error(const struct child *child, char text[static 256])
{
    ssize_t received = read(child->error_fd, text, 255);
    text[received > 0 ? received : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* The output ended, but a program that closed it may still go on. */
static bool child_wait(const struct child *child, int64_t deadline_ms, int *status_r)
{
    for (;;) {
        pid_t pid = waitpid(child->pid, status_r, WNOHANG);
        if (pid == child->pid)
            return true;
        if ((pid < 0 && errno != EINTR) || clock_monotonic_ms() >= deadline_ms)
            return false;
        poll(NULL, 0, 1);
    }
}

bool subprocess_run(const char *const argv[], int deadline_ms, char *output_r,
                    size_t output_size, struct error *error)
{
    int64_t end_ms = clock_monotonic_ms() + deadline_ms;
    struct child child;
    char reason[256];
    int status = 0;

    if (!child_start(&child, argv, error))
        return false;
    bool is_done = child_read(&child, end_ms, output_r, output_size, error);
    if (is_done && !child_wait(&child, end_ms, &status))
        is_done = error_set(error, "%s: does not end, killed", child.program);
    if (!is_done) {
        kill(child.pid, SIGKILL);
        while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
            continue;
    } else if (status != 0) {
        child_read_error(&child, reason);
        bool has_name = strncmp(reason, child.program, strlen(child.program)) == 0;
        is_done =
            error_set(error, "%s%s%s", has_name ? "" : child.program, has_name ? "" : ": ",
                      reason[0] ? reason : "ended with an error and without a word");
    }
    close(child.output_fd);
    close(child.error_fd);
    return is_done;
}
