/*
 * sensor_cost - what one reading of the sensor costs, with connections established.
 *
 *   sensor_cost [CONNECTIONS]...     (default: 0 200 2000)
 *
 * The baseline is a netlink round trip that asks for nothing.
 */

#include "common/error_list.h"
#include "common/memory.h"
#include "host/proc_tcp.h"
#include "host/sock_diag.h"
#include "host/stress_monitor.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS          200
#define CONNECTIONS_MAX 10000
#define WAITING         10

struct bench {
    int listener;
    struct sockaddr_in address;
    int *fds;
    int fd_count, connections;
    int netlink_fd;
    struct sock_diag *diag;
    struct stress_monitor *monitor;
    int64_t now_ms;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void open_listener(struct bench *bench)
{
    socklen_t length = sizeof(bench->address);
    bench->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(bench->listener, (const struct sockaddr *)&bench->address, length) < 0 ||
        listen(bench->listener, 2 * WAITING) < 0 ||
        getsockname(bench->listener, (struct sockaddr *)&bench->address, &length) < 0)
        fail("listen");
}

static void add_connection(struct bench *bench, bool is_accepted)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&bench->address, sizeof(bench->address)) < 0)
        fail("connect");
    bench->fds[bench->fd_count++] = fd;
    if (!is_accepted)
        return;
    fd = accept4(bench->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        fail("accept");
    bench->fds[bench->fd_count++] = fd;
}

/* What is measured; a row of the table each. */

static void run_empty(struct bench *bench)
{
    struct nlmsghdr request = {.nlmsg_len = sizeof(request),
                               .nlmsg_type = NLMSG_NOOP,
                               .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
    char answer[256];
    if (send(bench->netlink_fd, &request, sizeof(request), 0) < 0 ||
        recv(bench->netlink_fd, answer, sizeof(answer), 0) < 0)
        fail("netlink");
}

static void run_listeners(struct bench *bench)
{
    struct port_usage usage;
    struct error error;
    if (!sock_diag_read_listeners(bench->diag, &usage, &error) || usage.waiting != WAITING)
        fail("listeners");
}

static void run_all(struct bench *bench)
{
    struct port_usage usage;
    struct error error;
    if (!sock_diag_read(bench->diag, &usage, &error) || usage.busy != bench->connections)
        fail("all");
}

static void run_proc(struct bench *bench)
{
    struct port_usage usage;
    struct error error;
    /* While other connections come and go it may miss some. */
    if (!proc_tcp_read(ntohs(bench->address.sin_port), false, NULL, &usage, &error))
        fail("proc");
}

static void run_kept(struct bench *bench)
{
    struct stress_reading reading;
    stress_monitor_read(bench->monitor, 0, -1, false, bench->now_ms, &reading);
}

static void run_exact(struct bench *bench)
{
    struct stress_reading reading;
    stress_monitor_read(bench->monitor, 0, 1, false, bench->now_ms, &reading);
}

static void run_exact_tick(struct bench *bench)
{
    const int busy = 1;
    bench->now_ms += STRESS_MONITOR_TICK_MS;
    stress_monitor_tick(bench->monitor, &busy, bench->now_ms);
}

static void run_proc_listeners(struct bench *bench)
{
    struct port_usage usage;
    struct error error;
    if (!proc_tcp_read(ntohs(bench->address.sin_port), true, NULL, &usage, &error) ||
        usage.waiting != WAITING)
        fail("proc listeners");
}

static const struct row {
    const char *what;
    void (*run)(struct bench *bench);
} table[] = {
    {"netlink round trip, nothing asked", run_empty},
    {"sock_diag: listeners", run_listeners},
    {"sock_diag: everything", run_all},
    {"/proc/net/tcp and tcp6", run_proc},
    {"/proc/net: listeners", run_proc_listeners},
    {"decision, kept reading", run_kept},
    {"decision, exact count", run_exact},
    {"tick, exact count", run_exact_tick},
};

static int compare_numbers(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static void measure(struct bench *bench, const struct row *row)
{
    double times_us[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        row->run(bench);
        clock_gettime(CLOCK_MONOTONIC, &end);
        times_us[i] = (double)(end.tv_sec - start.tv_sec) * 1e6 +
                      (double)(end.tv_nsec - start.tv_nsec) / 1e3;
    }
    qsort(times_us, ROUNDS, sizeof(times_us[0]), compare_numbers);
    printf("%6d  %-36s %9.2f %9.2f %9.2f\n", bench->connections, row->what, times_us[0],
           times_us[ROUNDS / 2], times_us[ROUNDS * 99 / 100]);
}

static void run(int connections)
{
    struct bench bench = {.connections = connections, .now_ms = 1};
    char text[128];
    struct error_list errors;
    bench.fds = memory_allocate((size_t)(2 * connections + WAITING), sizeof(int));
    open_listener(&bench);
    for (int i = 0; i < connections; i++)
        add_connection(&bench, true);
    for (int i = 0; i < WAITING; i++)
        add_connection(&bench, false);

    snprintf(text, sizeof(text), "{\"services\": [{\"port\": %d, \"slot_limit\": 1000}]}",
             ntohs(bench.address.sin_port));
    error_list_init(&errors);
    struct config *config = config_load_text("bench", text, strlen(text), &errors);
    if (!config)
        fail("configuration");
    bench.monitor = stress_monitor_open(config, STRESS_MONITOR_DAEMON, bench.now_ms);
    bench.diag = sock_diag_open(ntohs(bench.address.sin_port));
    bench.netlink_fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        measure(&bench, &table[i]);

    close(bench.netlink_fd);
    sock_diag_close(bench.diag);
    stress_monitor_close(bench.monitor);
    config_free(config);
    for (int i = 0; i < bench.fd_count; i++)
        close(bench.fds[i]);
    close(bench.listener);
    free(bench.fds);
}

int main(int argc, char **argv)
{
    static const int usual[] = {0, 200, 2000};
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    printf("%6s  %-36s %9s %9s %9s\n", "conns", "one reading, us", "min", "median", "99%");
    for (size_t i = 0; argc == 1 && i < sizeof(usual) / sizeof(usual[0]); i++)
        run(usual[i]);
    for (int i = 1; i < argc; i++) {
        long connections = strtol(argv[i], NULL, 10);
        if (connections < 0 || connections > CONNECTIONS_MAX)
            return 2;
        run((int)connections);
    }
    return 0;
}
