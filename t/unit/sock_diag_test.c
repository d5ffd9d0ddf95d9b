/* The sensor against real sockets on a port of the kernel's choice. */

#include "host/sock_diag.h"

#include "host/clock.h"
#include "host/inode_set.h"
#include "host/proc_tcp.h"
#include "t/unit/tap.h"
#include "t/unit/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 5000
#define SOCKETS_MAX 64
#define BACKLOG     32
#define IPV6_ALL    "::"
#define IPV4_HOST   "127.0.0.1"

struct peers {
    int client[SOCKETS_MAX], server[SOCKETS_MAX]; /* server -1: not accepted */
    int count;
};

static void add_clients(struct peers *peers, const char *host, uint16_t port, int listener,
                        int count, bool is_accepted)
{
    union any_address address;
    socklen_t length = tcp_address(&address, host, port);
    for (int i = 0; i < count; i++) {
        int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, &address.any, length) < 0)
            perror("connect");
        peers->client[peers->count] = fd;
        peers->server[peers->count++] =
            is_accepted ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    }
}

static void close_peers(struct peers *peers)
{
    for (int i = 0; i < peers->count; i++) {
        close(peers->client[i]);
        if (peers->server[i] >= 0)
            close(peers->server[i]);
    }
    peers->count = 0;
}

/* The last step of a handshake takes the kernel a moment. */
static struct port_usage wait_usage(struct sock_diag *diag, int busy, int waiting)
{
    struct port_usage usage = {.busy = 0};
    struct error error = {""};
    for (int waited_ms = 0; waited_ms < DEADLINE_MS; waited_ms += 5) {
        if (!sock_diag_read(diag, &usage, &error))
            printf("# %s\n", error.text);
        if (usage.busy == busy && usage.waiting == waiting)
            break;
        poll(NULL, 0, 5);
    }
    return usage;
}

/* Connections of others that come and go may make /proc miss one of ours: it has a few tries.
 */
static struct port_usage wait_proc(uint16_t port, int busy, int waiting)
{
    struct port_usage usage = {.busy = 0};
    struct error error = {""};
    for (int waited_ms = 0; waited_ms < DEADLINE_MS; waited_ms += 5) {
        if (proc_tcp_read(port, false, NULL, &usage, &error) && usage.busy == busy &&
            usage.waiting == waiting)
            break;
        poll(NULL, 0, 5);
    }
    return usage;
}

static void check(struct sock_diag *diag, uint16_t port, int busy, int waiting,
                  const char *what)
{
    struct port_usage usage = wait_usage(diag, busy, waiting);
    ok(usage.busy == busy && usage.waiting == waiting, "%s: %d busy, %d waiting", what,
       usage.busy, usage.waiting);
    struct port_usage proc = wait_proc(port, busy, waiting);
    ok(proc.busy == busy && proc.waiting == waiting && proc.listeners == usage.listeners,
       "%s: the same in /proc/net/tcp: %d busy, %d waiting", what, proc.busy, proc.waiting);
}

static void test_counts(const char *listen_host, const char *client_host, const char *what)
{
    struct peers peers = {.count = 0};
    struct port_usage usage;
    struct error error = {""};
    uint16_t port = 0;
    int listener = tcp_listen(listen_host, &port, BACKLOG);
    struct sock_diag *diag = sock_diag_open(port);

    if (!ok(listener >= 0, "%s: listens on %s", what, listen_host))
        return;
    check(diag, port, 0, 0, what);
    add_clients(&peers, client_host, port, listener, 7, true);
    check(diag, port, 7, 0, what);
    add_clients(&peers, client_host, port, listener, 5, false);
    check(diag, port, 7, 5, what);
    ok(sock_diag_uses_netlink(diag), "%s: over netlink", what);

    ok(sock_diag_read_listeners(diag, &usage, &error), "%s: listeners alone", what);
    is_number(usage.listeners, 1, "one listener");
    is_number(usage.waiting, 5, "who waits");
    is_number(usage.busy, 0, "not who is busy");
    is_number(usage.backlog_limit, BACKLOG, "the backlog limit");
    ok(proc_tcp_read(port, true, NULL, &usage, &error) && usage.waiting == 5 && usage.busy == 0,
       "%s: listeners alone in /proc/net/tcp", what);

    close(peers.server[0]); /* a slot is free again, the client does not know yet */
    peers.server[0] = -1;
    check(diag, port, 6, 5, "server closed");
    close(peers.client[1]); /* gone, but its process has not noticed: CLOSE_WAIT */
    check(diag, port, 6, 5, "client closed");
    peers.server[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check(diag, port, 7, 4, "one more accepted");
    peers.client[1] = dup(listener); /* closed above */
    close_peers(&peers);
    close(listener);
    ok(sock_diag_read(diag, &usage, &error) && usage.listeners == 0 && usage.busy == 0,
       "%s: all closed", what);
    sock_diag_close(diag);
}

/* Postfix opens a listener for each of inet_interfaces. */
static void test_two_listeners(void)
{
    struct peers peers = {.count = 0};
    uint16_t port = 0;
    int first = tcp_listen(IPV4_HOST, &port, BACKLOG);
    int second = tcp_listen("127.0.0.2", &port, BACKLOG);
    struct sock_diag *diag = sock_diag_open(port);

    add_clients(&peers, IPV4_HOST, port, first, 2, false);
    add_clients(&peers, "127.0.0.2", port, second, 3, false);
    add_clients(&peers, "127.0.0.2", port, second, 1, false);
    struct port_usage usage = wait_usage(diag, 0, 6);
    is_number(usage.listeners, 2, "two listeners");
    is_number(usage.waiting, 6, "their queues together");
    is_number(usage.backlog_limit, 2 * BACKLOG, "their limits together");
    close_peers(&peers);
    close(first);
    close(second);
    sock_diag_close(diag);
}

/* Time goes on by itself: who waits, waits longer and longer. */
static void test_wait(void)
{
    struct peers peers = {.count = 0};
    struct port_usage usage;
    struct error error = {""};
    uint16_t port = 0;
    int listener = tcp_listen(IPV4_HOST, &port, BACKLOG);
    struct sock_diag *diag = sock_diag_open(port);

    ok(sock_diag_read_wait(diag, &usage, &error) && usage.longest_wait_ms == 0, "nobody waits");
    add_clients(&peers, IPV4_HOST, port, listener, 2, true);
    poll(NULL, 0, 30);
    int64_t start_ms = clock_monotonic_ms();
    add_clients(&peers, IPV4_HOST, port, listener, 2, false);
    if (send(peers.client[3], "EHLO early\r\n", 12, MSG_NOSIGNAL) != 12)
        perror("send");
    wait_usage(diag, 2, 2);
    for (int i = 0; i < 100; i++) {
        sock_diag_read_wait(diag, &usage, &error);
        if (usage.longest_wait_ms >= 60)
            break;
        poll(NULL, 0, 10);
    }
    int64_t waited_ms = clock_monotonic_ms() - start_ms;
    ok(usage.busy == 2 && usage.waiting == 2, "the counts are the same");
    ok(usage.longest_wait_ms >= 60 && usage.longest_wait_ms <= waited_ms + 10,
       "the longest wait is %d of %d ms", (int)usage.longest_wait_ms, (int)waited_ms);
    ok(sock_diag_read(diag, &usage, &error) && usage.longest_wait_ms < 0,
       "not known where it was not asked for");
    close_peers(&peers);
    close(listener);
    sock_diag_close(diag);
}

/* More clients than the queue takes: the kernel drops what comes then. */
static void test_drops(void)
{
    struct peers peers = {.count = 0};
    struct port_usage usage;
    struct error error = {""};
    union any_address address;
    uint16_t port = 0;
    int listener = tcp_listen(IPV4_HOST, &port, BACKLOG);
    struct sock_diag *diag = sock_diag_open(port);

    listen(listener, 1);
    ok(sock_diag_read_listeners(diag, &usage, &error) && usage.drops == 0, "no drops yet");
    socklen_t length = tcp_address(&address, IPV4_HOST, port);
    for (int i = 0; i < 8; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fd, &address.any, length) < 0)
            poll(NULL, 0, 1);
        peers.client[peers.count] = fd;
        peers.server[peers.count++] = -1;
    }
    for (int i = 0; i < 100 && usage.drops == 0; i++) {
        sock_diag_read_listeners(diag, &usage, &error);
        poll(NULL, 0, 10);
    }
    ok(usage.drops > 0, "%d drops", (int)usage.drops);
    ok(usage.waiting >= usage.backlog_limit, "the queue is full: %d of %d", usage.waiting,
       usage.backlog_limit);
    close_peers(&peers);
    close(listener);
    sock_diag_close(diag);
}

/* Connections of a process that do not count. */
static void test_exclude(void)
{
    struct peers peers = {.count = 0};
    struct inode_set set = {.count = 0};
    struct port_usage usage;
    struct error error = {""};
    uint16_t port = 0;
    int listener = tcp_listen(IPV4_HOST, &port, BACKLOG);
    struct sock_diag *diag = sock_diag_open(port);

    add_clients(&peers, IPV4_HOST, port, listener, 3, true);
    ok(inode_set_add_process(&set, getpid(), &error), "our own sockets: %s", error.text);
    ok(set.count >= 7, "%zu of them", set.count);
    ok(!inode_set_contains(&set, 0), "a socket without inode is nobody's");
    add_clients(&peers, IPV4_HOST, port, listener, 2, true);
    wait_usage(diag, 5, 0);
    sock_diag_exclude(diag, &set);
    ok(sock_diag_read(diag, &usage, &error) && usage.busy == 2, "those known before are not");
    ok(proc_tcp_read(port, false, &set, &usage, &error) && usage.busy == 2, "in /proc neither");
    inode_set_clear(&set);
    ok(sock_diag_read(diag, &usage, &error) && usage.busy == 5, "an empty set excludes none");
    ok(!inode_set_add_process(&set, 1 << 30, &error), "no such process: %s", error.text);
    inode_set_release(&set);
    close_peers(&peers);
    close(listener);
    sock_diag_close(diag);
}

static void test_proc_lines(void)
{
    static const struct {
        const char *line;
        bool is_line;
        struct port_usage usage;
    } table[] = {
        {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", false, {0}},
        {"   0: 00000000:0019 00000000:0000 0A 00000000:00000007 00:00000000 00000000     0    "
         "  "
         "  0 18123 1 0000000000000000 100 0 0 10 0",
         true,
         {.listeners = 1, .waiting = 7}},
        {"   1: 00000000000000000000000000000000:0019 00000000000000000000000000000000:0000 0A "
         "00000000:00000003 00:00000000 00000000     0        0 18124 1 0000000000000000",
         true,
         {.listeners = 1, .waiting = 3}},
        {"   2: 0100007F:0019 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000   101    "
         "  "
         "  0 18125 1 0000000000000000 20 4 30 10 -1",
         true,
         {.busy = 1}},
        {"   3: 0100007F:0019 0100007F:D2F0 08 00000000:00000001 00:00000000 00000000   101    "
         "  "
         "  0 18125 1 0000000000000000 20 4 30 10 -1",
         true,
         {.busy = 1}},
        {"   4: 0100007F:0019 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0    "
         "  "
         "  0 0 1 0000000000000000 20 4 30 10 -1",
         true,
         {0}},
        {"   5: 0100007F:D2F0 0100007F:0019 01 00000000:00000000 00:00000000 00000000     0    "
         "  "
         "  0 99 1 0000000000000000 20 4 30 10 -1",
         true,
         {0}},
        {"   6: 0100007F:0019 0100007F:D2F0 06 00000000:00000000 03:00001234 00000000     0    "
         "  "
         "  0 0 3 0000000000000000",
         true,
         {0}},
        {"", false, {0}},
        {"7: 0100007F:0019", false, {0}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct port_usage usage = {.busy = 0};
        bool is_listener;
        ok(proc_tcp_add_line(table[i].line, 25, NULL, &usage, &is_listener) ==
                   table[i].is_line &&
               usage.listeners == table[i].usage.listeners &&
               usage.waiting == table[i].usage.waiting && usage.busy == table[i].usage.busy,
           "line %zu: %d listening, %d waiting, %d busy", i, usage.listeners, usage.waiting,
           usage.busy);
    }
}

int main(void)
{
    test_counts(IPV4_HOST, IPV4_HOST, "IPv4");
    test_counts("::1", "::1", "IPv6");
    test_counts(IPV6_ALL, IPV4_HOST, "IPv4 client of an IPv6 socket");
    test_two_listeners();
    test_wait();
    test_drops();
    test_exclude();
    test_proc_lines();
    return done_testing();
}
