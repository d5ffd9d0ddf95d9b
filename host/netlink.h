/*
 * netlink - questions to the kernel over NETLINK_SOCK_DIAG, for sock_diag.c, session_watch.c
 * and unix_queue.c.
 *
 * A struct netlink belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_NETLINK_H
#define POSTVALVE_HOST_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel puts no more than 32 KB into one message. */
#define NETLINK_BUFFER_SIZE 32768

struct netlink {
    int fd; /* -1: netlink does not work here */
    uint32_t sequence;
    _Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_SIZE];
};

void netlink_open(struct netlink *netlink);
void netlink_close(struct netlink *netlink);

/* Sends a request, a header with what belongs to it (flags and sequence are set here), and
 * calls back for each answer. False with errno: the socket may still hold a part of an answer
 * then and should be closed. */
typedef void netlink_callback(void *context, const struct nlmsghdr *answer);
bool netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_callback *callback,
                  void *context);

/* The sockets of a TCP port, IPv4 and IPv6, by one walk of the kernel's table; states and
 * extensions: bits of tcp_states and INET_DIAG_*. Answers are struct inet_diag_msg. */
bool netlink_dump_tcp(struct netlink *netlink, uint16_t port, uint32_t states,
                      uint8_t extensions, netlink_callback *callback, void *context);

/* An attribute of an answer, behind a message of message_size bytes; NULL: not there, or
 * shorter than size. length_r may be NULL. */
const void *netlink_attribute(const struct nlmsghdr *answer, size_t message_size,
                              unsigned short type, size_t size, size_t *length_r);

#endif
