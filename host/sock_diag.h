/*
 * sock_diag - how many clients of a TCP port are being served and how many wait, from the
 * kernel, without privileges (sock_diag(7), NETLINK_SOCK_DIAG; /proc/net/tcp where netlink is
 * not permitted).
 *
 * What is seen is the network namespace that the process is in. IPv4 and IPv6 in one; an
 * IPv4 client of an IPv6 socket is one socket and counted once.
 *
 * A struct sock_diag belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_SOCK_DIAG_H
#define POSTVALVE_HOST_SOCK_DIAG_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

struct port_usage {
    int listeners;     /* 0: nobody listens on this port here */
    int waiting;       /* in the accept queues: the handshake is done, no process took it yet */
    int backlog_limit; /* sum over the listeners; 0: not known (/proc/net/tcp) */
    int busy;          /* connections that a process has accepted and not closed yet */
    /* -1: not known, or not asked for */
    int64_t drops;           /* what the listeners could not take, since they began */
    int64_t longest_wait_ms; /* of those that wait now; 0: nobody waits */
};

struct inode_set;
struct sock_diag; /* a netlink socket, or the knowledge that there is none */

/* Never fails: without netlink the readings come from /proc. */
struct sock_diag *sock_diag_open(uint16_t port);
void sock_diag_close(struct sock_diag *diag);
bool sock_diag_uses_netlink(const struct sock_diag *diag);

/* Connections that do not count as busy; NULL: none. The set has to stay. */
void sock_diag_exclude(struct sock_diag *diag, const struct inode_set *set);

/* The listeners alone (busy is 0), with drops: 10 us. Blocks no longer than the kernel takes to
 * answer. */
bool sock_diag_read_listeners(struct sock_diag *diag, struct port_usage *usage_r,
                              struct error *error);
/* Everything: the kernel walks its table of all connections, those in TIME_WAIT included, so
 * 0.2 to some 4 ms. */
bool sock_diag_read(struct sock_diag *diag, struct port_usage *usage_r, struct error *error);
/* Everything, with the longest wait: the more connections, the more it costs, up to three times
 * as much. */
bool sock_diag_read_wait(struct sock_diag *diag, struct port_usage *usage_r,
                         struct error *error);

#endif
