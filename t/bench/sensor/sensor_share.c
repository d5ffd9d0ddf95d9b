/*
 * sensor_share - what all sensors together take of a core, at the rate a daemon ticks.
 *
 *   sensor_share [SLOTS]...     (default: 200 2000)
 *
 * Connections are real, and so are the processes: a "master" of our own with as many "smtpd"
 * children as slots are busy, and a configuration that postconf(1) reads. Each situation runs
 * for some seconds of real time; only the time inside the monitor counts.
 */
#include "common/error_list.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/stress_monitor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS   5
#define SLOTS_MAX 5000
#define WAITING   10
#define READS     4 /* requests at each tick, where there are some */

struct bench {
    int slots;
    int listener;
    struct sockaddr_in address;
    int *fds;
    int fd_count, accepted;
    char directory[64];
    pid_t master;
    int processes;
    struct config *config;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* A process that shows the command line of smtpd(8) and does nothing. */
static _Noreturn void be_smtpd(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static _Noreturn void be_master(const struct bench *bench, int port)
{
    char path[96], name[16];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "master");
    snprintf(path, sizeof(path), "%s/pid/master.pid", bench->directory);
    snprintf(name, sizeof(name), "%d", port);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (flock(fd, LOCK_EX) < 0)
        fail(path);
    for (int i = 0; i < bench->processes; i++) {
        if (fork() != 0)
            continue;
        execl("/proc/self/exe", "smtpd", "-n", name, "-t", "inet", "-u", "-o",
              "stress=", (char *)NULL);
        _exit(127);
    }
    be_smtpd();
}

static void start_processes(struct bench *bench, int count)
{
    bench->processes = count;
    bench->master = fork();
    if (bench->master == 0)
        be_master(bench, ntohs(bench->address.sin_port));
    poll(NULL, 0, 500 + count);
}

static void stop_processes(struct bench *bench)
{
    kill(bench->master, SIGKILL); /* its children go with it */
    waitpid(bench->master, NULL, 0);
}

static void write_file(const struct bench *bench, const char *name, const char *text)
{
    const struct timeval old[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", bench->directory, name);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || utimes(path, old) < 0)
        fail(path);
}

static void configure(struct bench *bench)
{
    char text[512];
    struct error_list errors;
    int port = ntohs(bench->address.sin_port);
    snprintf(text, sizeof(text), "%s/pid", bench->directory);
    if (mkdir(text, 0755) < 0)
        fail(text);
    snprintf(text, sizeof(text), "compatibility_level = 3.6\nqueue_directory = %s\n",
             bench->directory);
    write_file(bench, "main.cf", text);
    snprintf(text, sizeof(text), "%d inet n - n - %d smtpd\n", port, bench->slots);
    write_file(bench, "master.cf", text);
    snprintf(text, sizeof(text),
             "{\"services\": [{\"port\": %d, \"postfix_config_directory\": \"%s\"}]}", port,
             bench->directory);
    error_list_init(&errors);
    bench->config = config_load_text("bench", text, strlen(text), &errors);
    error_list_print(&errors, "sensor_share", stderr);
    if (!bench->config)
        exit(1);
}

static void clean_up(struct bench *bench)
{
    static const char *const names[] = {"pid/master.pid", "pid", "main.cf", "master.cf", ""};
    char path[96];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", bench->directory, names[i]);
        if (remove(path) < 0)
            perror(path);
    }
    config_free(bench->config);
}

static void open_listener(struct bench *bench)
{
    socklen_t length = sizeof(bench->address);
    bench->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(bench->listener, (const struct sockaddr *)&bench->address, length) < 0 ||
        listen(bench->listener, 100) < 0 ||
        getsockname(bench->listener, (struct sockaddr *)&bench->address, &length) < 0)
        fail("listen");
}

static void add_connections(struct bench *bench, int count, bool is_accepted)
{
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)&bench->address, sizeof(bench->address)) < 0)
            fail("connect");
        bench->fds[bench->fd_count++] = fd;
        if (!is_accepted)
            continue;
        bench->fds[bench->fd_count++] = accept(bench->listener, NULL, NULL);
        bench->accepted++;
    }
}

struct situation {
    const char *what;
    bool is_exact; /* as in a milter, which counts itself */
    int reads;     /* at each tick */
};

static void run(struct bench *bench, const char *load, const struct situation *situation)
{
    int64_t start_ms = clock_monotonic_ms(), now_ms = start_ms, used_us = 0, most_us = 0;
    int ticks = 0;
    struct stress_monitor *monitor =
        stress_monitor_open(bench->config, STRESS_MONITOR_DAEMON, now_ms);
    struct stress_reading reading;
    while (now_ms - start_ms < SECONDS * 1000) {
        int64_t begin_us = clock_thread_us();
        int64_t wait_ms =
            stress_monitor_tick(monitor, situation->is_exact ? &bench->accepted : NULL, now_ms);
        for (int i = 0; i < situation->reads; i++)
            stress_monitor_read(monitor, 0, situation->is_exact ? bench->accepted : -1, false,
                                clock_monotonic_ms(), &reading);
        int64_t took_us = clock_thread_us() - begin_us;
        used_us += took_us;
        most_us = took_us > most_us ? took_us : most_us;
        ticks++;
        poll(NULL, 0, (int)wait_ms);
        now_ms = clock_monotonic_ms();
    }
    stress_monitor_read(monitor, 0, situation->is_exact ? bench->accepted : -1, false, now_ms,
                        &reading);
    printf("%6d  %-9s %-22s %-9s %6.2f %% %8.0f %8.0f\n", bench->slots, load, situation->what,
           level_name(reading.level), (double)used_us / 10 / (double)(now_ms - start_ms),
           (double)used_us / ticks, (double)most_us);
    fflush(stdout);
    stress_monitor_close(monitor);
}

static void run_all(struct bench *bench, const char *load)
{
    static const struct situation situations[] = {
        {"kernel counts", false, 0},
        {"the same, requests", false, READS},
        {"milter counts", true, 0},
        {"the same, sessions", true, READS},
    };
    start_processes(bench, bench->accepted);
    for (size_t i = 0; i < sizeof(situations) / sizeof(situations[0]); i++)
        run(bench, load, &situations[i]);
    stop_processes(bench);
}

static void measure(int slots)
{
    struct bench bench = {.slots = slots};
    snprintf(bench.directory, sizeof(bench.directory), "/tmp/pvXXXXXX");
    if (!mkdtemp(bench.directory))
        fail(bench.directory);
    bench.fds = memory_allocate((size_t)(2 * slots + WAITING), sizeof(int));
    open_listener(&bench);
    configure(&bench);
    add_connections(&bench, slots * 4 / 10, true);
    run_all(&bench, "40 % busy");
    add_connections(&bench, slots - bench.accepted, true);
    add_connections(&bench, WAITING, false);
    run_all(&bench, "full");
    clean_up(&bench);
    for (int i = 0; i < bench.fd_count; i++)
        close(bench.fds[i]);
    close(bench.listener);
    free(bench.fds);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (strcmp(argv[0], "smtpd") == 0)
        be_smtpd();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    printf("%6s  %-9s %-22s %-9s %8s %8s %8s\n", "slots", "load", "who counts", "level",
           "a core", "us/tick", "at most");
    if (argc == 1) {
        measure(200);
        measure(2000);
    }
    for (int i = 1; i < argc; i++) {
        long slots = strtol(argv[i], NULL, 10);
        if (slots < 10 || slots > SLOTS_MAX)
            return 2;
        measure((int)slots);
    }
    return 0;
}
