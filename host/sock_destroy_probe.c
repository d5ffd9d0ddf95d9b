/* Whether connections can be ended here: a connection of our own to ourselves shows it. */
#include "host/sock_destroy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of a connection over loopback; -1: not opened. */
struct connection {
    int listener, client, server;
    struct socket_pair pair; /* of the server's end */
};

static int open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static bool get_name(int fd, int (*get)(int, struct sockaddr *restrict, socklen_t *restrict),
                     struct address *address_r, uint16_t *port_r)
{
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    if (get(fd, (struct sockaddr *)&name, &length) < 0)
        return false;
    *address_r = address_from_sockaddr((const struct sockaddr *)&name);
    *port_r = ntohs(name.sin_port);
    return true;
}

static bool connect_to_self(struct connection *connection)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    struct sockaddr *any = (struct sockaddr *)&name;
    struct socket_pair *pair = &connection->pair;

    connection->listener = open_socket();
    connection->client = open_socket();
    if (connection->listener < 0 || connection->client < 0 ||
        bind(connection->listener, any, length) < 0 || listen(connection->listener, 1) < 0 ||
        getsockname(connection->listener, any, &length) < 0 ||
        connect(connection->client, any, length) < 0)
        return false;
    connection->server = accept4(connection->listener, NULL, NULL, SOCK_CLOEXEC);
    return connection->server >= 0 &&
           get_name(connection->server, getsockname, &pair->local, &pair->local_port) &&
           get_name(connection->server, getpeername, &pair->remote, &pair->remote_port);
}

static void close_all(const struct connection *connection)
{
    const int fds[] = {connection->client, connection->server, connection->listener};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static bool try_to_end(struct sock_destroy *destroy, const struct connection *connection,
                       struct error *error)
{
    struct socket_state state;
    char byte;
    if (!sock_destroy_look(destroy, &connection->pair, &state))
        return error_set(error, "the kernel does not show TCP connections (sock_diag(7))");
    if (!sock_destroy_end(destroy, &connection->pair, state.cookie, error))
        return false;
    if (recv(connection->server, &byte, 1, MSG_DONTWAIT) != -1 || errno != ECONNABORTED)
        return error_set(error, "the kernel says that it ended a connection, and did not");
    return true;
}

bool sock_destroy_probe(struct sock_destroy *destroy, struct error *error)
{
    struct connection connection = {.listener = -1, .client = -1, .server = -1};
    bool is_possible =
        connect_to_self(&connection)
            ? try_to_end(destroy, &connection, error)
            : error_set(error, "no connection over loopback to try it on: %s", strerror(errno));
    close_all(&connection);
    return is_possible;
}
