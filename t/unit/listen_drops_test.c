/* Counters of the network stack: their text, and the files of this machine. */
#include "host/listen_drops.h"

#include "t/unit/tap.h"

#include <sys/socket.h>
#include <unistd.h>

static void test_drops_text(void)
{
    static const struct {
        const char *text;
        bool is_read;
        int64_t overflows, drops;
    } table[] = {
        {"TcpExt: A ListenOverflows ListenDrops B\nTcpExt: 1 12 34 5\n",                    true,  12, 34},
        {"MPTcpExt: ListenOverflows\nMPTcpExt: 7\n"
         "TcpExt: ListenDrops ListenOverflows\nTcpExt: 3 2\nIpExt: X\nIpExt: 1\n", true,  2,  3 },
        {"TcpExt: ListenOverflows ListenDrops\nTcpExt: 12\n",                               false, 0,  0 },
        {"TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 -2\n",                             false, 0,  0 },
        {"TcpExt: ListenOverflows ListenDrops\n",                                           false, 0,  0 },
        {"TcpExt: ListenOverflows ListenDrops",                                             false, 0,  0 },
        {"",                                                                                false, 0,  0 },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct listen_drops drops = {0, 0};
        bool is_read = listen_drops_parse(table[i].text, &drops);
        ok(is_read == table[i].is_read && (!is_read || (drops.overflows == table[i].overflows &&
                                                        drops.drops == table[i].drops)),
           "netstat %zu: %d %d", i, (int)drops.overflows, (int)drops.drops);
    }
}

static void test_in_use_text(void)
{
    int64_t in_use = -1;
    ok(sockets_in_use_parse("sockets: used 9\nTCP: inuse 32 orphan 0 tw 1\nUDP: inuse 5\n",
                            &in_use) &&
           in_use == 32,
       "sockstat");
    ok(sockets_in_use_parse("TCP6: inuse 7\nUDP6: inuse 5\n", &in_use) && in_use == 7,
       "sockstat6");
    ok(!sockets_in_use_parse("UDP: inuse 5\n", &in_use), "no TCP");
    ok(!sockets_in_use_parse("TCP: inuse x\n", &in_use), "no number");
    ok(!sockets_in_use_parse("TCP: inuse ", &in_use), "no end");
}

/* A listener is a socket in use; its peers are some more. */
static void test_machine(void)
{
    struct socket_counters *counters = socket_counters_open();
    struct listen_drops drops = {-1, -1};
    int64_t in_use = -1;
    ok(socket_counters_read_drops(counters, &drops) && drops.overflows >= 0 &&
           drops.drops >= drops.overflows,
       "netstat of this machine: %lld overflows, %lld drops", (long long)drops.overflows,
       (long long)drops.drops);
    int fds[50];
    bool has_grown = false; /* others' sockets come and go meanwhile */
    for (int attempt = 0; attempt < 20 && !has_grown; attempt++) {
        int64_t before = 0;
        socket_counters_read_in_use(counters, &before);
        for (int i = 0; i < 50; i++) {
            fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            listen(fds[i], 1);
        }
        socket_counters_read_in_use(counters, &in_use);
        has_grown = in_use >= before + 25;
        for (int i = 0; i < 50; i++)
            close(fds[i]);
    }
    ok(has_grown, "sockets in use are seen");
    socket_counters_close(counters);
    socket_counters_close(NULL);
}

int main(void)
{
    test_drops_text();
    test_in_use_text();
    test_machine();
    return done_testing();
}
