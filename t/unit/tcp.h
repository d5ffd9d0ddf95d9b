/*
 * tcp - loopback listeners for tests of what looks at sockets.
 */
#ifndef POSTVALVE_T_UNIT_TCP_H
#define POSTVALVE_T_UNIT_TCP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t tcp_address(union any_address *address, const char *host, uint16_t port)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = htons(port);
        return sizeof(address->ipv4);
    }
    inet_pton(AF_INET6, host, &address->ipv6.sin6_addr);
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons(port);
    return sizeof(address->ipv6);
}

static uint16_t tcp_port(const union any_address *address)
{
    return ntohs(address->any.sa_family == AF_INET ? address->ipv4.sin_port
                                                   : address->ipv6.sin6_port);
}

/* *port: 0 asks for any, and gets what it became. "::" takes IPv4 clients too. -1: said why. */
static int tcp_listen(const char *host, uint16_t *port, int backlog)
{
    union any_address address;
    int off = 0;
    socklen_t length = tcp_address(&address, host, *port);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &address.any, length) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, &address.any, &length) < 0) {
        perror(host);
        close(fd);
        return -1;
    }
    *port = tcp_port(&address);
    return fd;
}

#endif
