/* Counters of the network stack: their text, and the files of this machine. */
#include "host/listen_drops.h"

#include "t/unit/tap.h"
#include "t/unit/tcp.h"

static void test_drops_text(void)
{
    static const struct {
        const char *text;
        bool is_read;
        int64_t overflows, drops;
    } table[] = {
        {"TcpExt: A ListenOverflows ListenDrops B\nTcpExt: 1 12 34 5\n", true, 12, 34},
        {"MPTcpExt: ListenOverflows\nMPTcpExt: 7\n"
         "TcpExt: ListenDrops ListenOverflows\nTcpExt: 3 2\nIpExt: X\nIpExt: 1\n",
         true, 2, 3},
        {"TcpExt: ListenOverflows ListenDrops\nTcpExt: 12\n", false, 0, 0},
        {"TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 -2\n", false, 0, 0},
        {"TcpExt: ListenOverflows ListenDrops\n", false, 0, 0},
        {"TcpExt: ListenOverflows ListenDrops", false, 0, 0},
        {"", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct listen_drops drops = {0, 0};
        bool is_read = listen_drops_parse(table[i].text, &drops);
        ok(is_read == table[i].is_read && (!is_read || (drops.overflows == table[i].overflows &&
                                                        drops.drops == table[i].drops)),
           "netstat %zu: %d %d", i, (int)drops.overflows, (int)drops.drops);
    }
}

static void test_opened_text(void)
{
    int64_t opened = -1;
    ok(connections_opened_parse("Ip: A\nIp: 1\nTcp: MaxConn ActiveOpens PassiveOpens X\n"
                                "Tcp: -1 2 30 4\nUdp: PassiveOpens\nUdp: 7\n",
                                &opened) &&
           opened == 30,
       "snmp");
    ok(!connections_opened_parse("Udp: PassiveOpens\nUdp: 5\n", &opened), "no TCP");
    ok(!connections_opened_parse("Tcp: PassiveOpens\nTcp: x\n", &opened), "no number");
    ok(!connections_opened_parse("Tcp: PassiveOpens\nTcp: ", &opened), "no end");
}

static void test_machine(void)
{
    struct socket_counters *counters = socket_counters_open();
    struct listen_drops drops = {-1, -1};
    int64_t before = -1, opened = -1;
    uint16_t port = 0;
    ok(socket_counters_read_drops(counters, &drops) && drops.overflows >= 0 &&
           drops.drops >= drops.overflows,
       "netstat of this machine: %lld overflows, %lld drops", (long long)drops.overflows,
       (long long)drops.drops);
    int listener = tcp_listen("127.0.0.1", &port, 20);
    union any_address address;
    socklen_t length = tcp_address(&address, "127.0.0.1", port);
    ok(socket_counters_read_opened(counters, &before), "snmp of this machine");
    for (int i = 0; i < 10; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, &address.any, length) < 0)
            perror("connect");
        close(fd); /* what ends takes nothing away */
    }
    socket_counters_read_opened(counters, &opened);
    ok(opened >= before + 10, "connections are seen: %lld", (long long)(opened - before));
    close(listener);
    socket_counters_close(counters);
    socket_counters_close(NULL);
}

int main(void)
{
    test_drops_text();
    test_opened_text();
    test_machine();
    return done_testing();
}
