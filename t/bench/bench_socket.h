/*
 * Addresses and sockets of the benchmark programs: "unix:PATH" or "inet:HOST:PORT" (the
 * host is numeric). They print what is wrong and exit: there is nothing to go on with.
 */
#ifndef POSTVALVE_T_BENCH_BENCH_SOCKET_H
#define POSTVALVE_T_BENCH_BENCH_SOCKET_H

#include <sys/socket.h>

struct bench_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

void bench_address_parse(struct bench_address *address, const char *text);

/* A connected socket, still blocking. */
int bench_socket_connect(const struct bench_address *address);

/* A listening socket, non-blocking; an old socket file is removed first. */
int bench_socket_listen(const struct bench_address *address);

void bench_socket_nonblocking(int fd);

/* Print "program: what: strerror" (strerror only where errno is set) and exit 1. */
_Noreturn void bench_die(const char *what);

#endif
