/* Real connections: what is seen of them, and that only the wanted one is ended. */
#include "host/sock_destroy.h"

#include "t/unit/tap.h"
#include "t/unit/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 5000
#define NOBODY      65534
#define PAIRS       3

struct connection {
    int client, server;
    struct socket_pair pair;
};

/* client_port: 0 asks for any. */
static struct connection connect_pair(int listener, const char *host, uint16_t port,
                                      uint16_t client_port)
{
    struct connection connection = {.server = -1};
    union any_address address;
    int on = 1;
    socklen_t length = tcp_address(&address, host, client_port);
    connection.client = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(connection.client, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(connection.client, &address.any, length) < 0)
        perror("bind");
    length = tcp_address(&address, host, port);
    if (connect(connection.client, &address.any, length) < 0)
        perror("connect");
    connection.pair.local = address_from_sockaddr(&address.any);
    connection.pair.local_port = port;
    connection.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    length = sizeof(address);
    getsockname(connection.client, &address.any, &length);
    connection.pair.remote = address_from_sockaddr(&address.any);
    connection.pair.remote_port = tcp_port(&address);
    return connection;
}

/* As its process sees it: reading a byte that the client sends. */
static bool is_alive(const struct connection *connection)
{
    char byte = 0;
    struct pollfd wait = {.fd = connection->server, .events = POLLIN};
    if (send(connection->client, "x", 1, MSG_NOSIGNAL) != 1)
        return false;
    poll(&wait, 1, DEADLINE_MS);
    return recv(connection->server, &byte, 1, MSG_DONTWAIT) == 1;
}

static void close_connection(struct connection *connection)
{
    close(connection->client);
    close(connection->server);
}

/* RST instead of the usual goodbye: its addresses are free at once. */
static void reset_connection(struct connection *connection)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(connection->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close_connection(connection);
}

static void test_end(struct sock_destroy *destroy, const char *listen_host,
                     const char *client_host, const char *what)
{
    struct connection connections[PAIRS];
    struct socket_state state[PAIRS];
    struct error error = {""};
    uint16_t port = 0;
    char byte;
    int listener = tcp_listen(listen_host, &port, 16);
    for (int i = 0; i < PAIRS; i++) {
        connections[i] = connect_pair(listener, client_host, port, 0);
        ok(sock_destroy_look(destroy, &connections[i].pair, &state[i]), "%s: seen", what);
    }
    ok(state[0].cookie != 0 && state[0].cookie != state[1].cookie, "each has its cookie");

    ok(!sock_destroy_end(destroy, &connections[1].pair, state[1].cookie + 1000, &error),
       "a wrong cookie is refused: %s", error.text);
    ok(!sock_destroy_end(destroy, &connections[1].pair, state[0].cookie, &error),
       "... the cookie of another one too");
    ok(!sock_destroy_end(destroy, &connections[1].pair, 0, &error) &&
           !sock_destroy_end(destroy, &connections[1].pair, UINT64_MAX, &error),
       "... and none");
    ok(is_alive(&connections[1]), "nothing happened");

    ok(sock_destroy_end(destroy, &connections[1].pair, state[1].cookie, &error),
       "%s: ended: %s", what, error.text);
    ok(recv(connections[1].server, &byte, 1, MSG_DONTWAIT) == -1 && errno == ECONNABORTED,
       "its process notices");
    ok(recv(connections[1].client, &byte, 1, 0) == -1 && errno == ECONNRESET,
       "... and its client");
    ok(is_alive(&connections[0]) && is_alive(&connections[2]), "the others live");
    ok(!sock_destroy_look(destroy, &connections[1].pair, &state[1]), "it is not seen any more");
    ok(!sock_destroy_end(destroy, &connections[1].pair, state[1].cookie, &error),
       "it is not ended twice: %s", error.text);
    struct connection more = connect_pair(listener, client_host, port, 0);
    ok(is_alive(&more), "the listener is none the worse");
    close_connection(&more);
    for (int i = 0; i < PAIRS; i++)
        close_connection(&connections[i]);
    close(listener);
}

/* A new connection with the addresses and ports of the old one is another connection. */
static void test_port_used_again(struct sock_destroy *destroy, const char *host)
{
    struct socket_state old_state, new_state;
    struct error error = {""};
    uint16_t port = 0;
    int listener = tcp_listen(host, &port, 16);
    struct connection old = connect_pair(listener, host, port, 0);
    ok(sock_destroy_look(destroy, &old.pair, &old_state), "%s: the old connection", host);
    reset_connection(&old);
    struct connection new = connect_pair(listener, host, port, old.pair.remote_port);
    ok(new.pair.remote_port ==
           old.pair.remote_port &&sock_destroy_look(destroy, &new.pair, &new_state),
       "a new one with the same ports");
    ok(new_state.cookie != old_state.cookie, "... has another cookie");
    ok(!sock_destroy_end(destroy, &old.pair, old_state.cookie, &error),
       "... and is not ended in its place: %s", error.text);
    ok(is_alive(&new), "... but lives");
    close_connection(&new);
    close(listener);
}

static void test_look(struct sock_destroy *destroy)
{
    struct socket_state state;
    uint16_t port = 0;
    char byte;
    int listener = tcp_listen("127.0.0.1", &port, 16);
    struct connection connection = connect_pair(listener, "127.0.0.1", port, 0);
    struct socket_pair pair = connection.pair;

    bool is_seen = sock_destroy_look(destroy, &pair, &state);
    ok(is_seen && state.received_ms_ago < DEADLINE_MS &&
           state.sent_ms_ago > state.received_ms_ago && !state.is_unacknowledged,
       "as long as nothing is sent the server's turn: received %lld ms ago, sent %lld",
       (long long)state.received_ms_ago, (long long)state.sent_ms_ago);
    poll(NULL, 0, 60);
    ok(send(connection.server, "220\r\n", 5, 0) == 5, "a banner");
    ok(sock_destroy_look(destroy, &pair, &state) && state.received_ms_ago >= 50 &&
           state.sent_ms_ago < state.received_ms_ago,
       "... now it is the client's");
    poll(NULL, 0, 60);
    ok(is_alive(&connection) && sock_destroy_look(destroy, &pair, &state) &&
           state.received_ms_ago < state.sent_ms_ago && state.sent_ms_ago >= 50,
       "a byte of the client: the server's");

    shutdown(connection.client, SHUT_WR);
    ok(recv(connection.server, &byte, 1, 0) == 0 && sock_destroy_look(destroy, &pair, &state),
       "a client that is gone, while its process goes on");
    pair.remote_port++;
    ok(!sock_destroy_look(destroy, &pair, &state), "another port: nothing, not the listener");
    pair = connection.pair;
    pair.remote_port = 0;
    ok(!sock_destroy_look(destroy, &pair, &state), "no port");
    pair = connection.pair;
    pair.local.family = ADDRESS_NONE;
    ok(!sock_destroy_look(destroy, &pair, &state), "no address");
    close_connection(&connection);

    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    union any_address address;
    socklen_t length = tcp_address(&address, "127.0.0.1", port);
    ok(connect(client, &address.any, length) == 0, "one that nobody accepts");
    getsockname(client, &address.any, &length);
    pair = connection.pair;
    pair.remote_port = tcp_port(&address);
    ok(!sock_destroy_look(destroy, &pair, &state), "... is not shown");
    close(client);
    close(listener);
}

/* In a process of its own that has no capability. */
static void test_unprivileged(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct error error = {""};
        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
            _exit(2);
        struct sock_destroy *destroy = sock_destroy_open(&error);
        bool is_refused = destroy && !sock_destroy_probe(destroy, &error);
        printf("# %s\n", error.text);
        _exit(is_refused ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "without the capability: refused");
}

int main(void)
{
    struct error error = {""};
    struct sock_destroy *destroy = sock_destroy_open(&error);
    if (!ok(destroy != NULL, "netlink: %s", error.text))
        return done_testing();
    test_look(destroy);
    if (geteuid() == 0) {
        ok(sock_destroy_probe(destroy, &error), "root may: %s", error.text);
        test_end(destroy, "127.0.0.1", "127.0.0.1", "IPv4");
        test_end(destroy, "::1", "::1", "IPv6");
        test_end(destroy, "::", "127.0.0.1", "IPv4 client of an IPv6 socket");
        test_port_used_again(destroy, "127.0.0.1");
        test_port_used_again(destroy, "::1");
        test_unprivileged();
    } else {
        ok(true, "ending connections # SKIP needs root");
    }
    sock_destroy_close(destroy);
    return done_testing();
}
