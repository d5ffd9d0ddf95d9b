#include "t/bench/bench_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096

_Noreturn void bench_die(const char *what)
{
    if (errno != 0) {
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    } else {
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    }
    exit(1);
}

static void parse_unix(struct bench_address *address, const char *path)
{
    struct sockaddr_un *local = (struct sockaddr_un *)&address->storage;

    if (strlen(path) == 0 || strlen(path) >= sizeof local->sun_path) {
        errno = 0;
        bench_die("socket path empty or too long");
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, strlen(path) + 1);
    address->size = sizeof *local;
}

static void parse_inet(struct bench_address *address, const char *text)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[64];
    const char *colon = strrchr(text, ':');

    errno = 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) {
        bench_die("expected inet:HOST:PORT");
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = 0;
        bench_die("inet: host and port must be numeric");
    }
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->size = found->ai_addrlen;
    freeaddrinfo(found);
}

void bench_address_parse(struct bench_address *address, const char *text)
{
    memset(address, 0, sizeof *address);
    if (strncmp(text, "unix:", 5) == 0) {
        parse_unix(address, text + 5);
    } else if (strncmp(text, "inet:", 5) == 0) {
        parse_inet(address, text + 5);
    } else {
        errno = 0;
        bench_die("address must be unix:PATH or inet:HOST:PORT");
    }
}

static int open_socket(const struct bench_address *address)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        bench_die("socket");
    }
    if (address->storage.ss_family != AF_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        bench_die("TCP_NODELAY");
    }
    return fd;
}

int bench_socket_connect(const struct bench_address *address)
{
    int fd = open_socket(address);

    if (connect(fd, (const struct sockaddr *)&address->storage, address->size) != 0) {
        bench_die("connect");
    }
    return fd;
}

int bench_socket_listen(const struct bench_address *address)
{
    int fd = open_socket(address);
    int on = 1;

    if (address->storage.ss_family == AF_UNIX) {
        (void)unlink(((const struct sockaddr_un *)&address->storage)->sun_path);
    } else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        bench_die("SO_REUSEADDR");
    }
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0) {
        bench_die("bind");
    }
    if (listen(fd, LISTEN_BACKLOG) != 0) {
        bench_die("listen");
    }
    bench_socket_nonblocking(fd);
    return fd;
}

void bench_socket_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        bench_die("O_NONBLOCK");
    }
}
