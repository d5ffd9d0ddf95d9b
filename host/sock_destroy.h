/*
 * sock_destroy - looks at one TCP connection of another process, and ends it (sock_diag(7),
 * SOCK_DESTROY, which is what `ss -K` uses). The process gets ECONNABORTED from its next
 * read(2) or write(2), the peer a RST.
 *
 * A connection is named by its addresses and ports, which a new connection may have again; so
 * it is ended by its cookie too, a number that the kernel gives to a socket once and for all:
 * what was looked at is what is ended, or nothing is.
 *
 * To look needs no privileges, to end CAP_NET_ADMIN in the network namespace of the connection.
 *
 * A struct sock_destroy belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_SOCK_DESTROY_H
#define POSTVALVE_HOST_SOCK_DESTROY_H

#include "common/address.h"
#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/* As this host sees it. An IPv4 client of an IPv6 socket has IPv4 addresses. */
struct socket_pair {
    struct address local, remote;
    uint16_t local_port, remote_port;
};

struct socket_state {
    uint64_t cookie;         /* of this socket and no other; never 0 */
    int64_t received_ms_ago; /* the last data of the peer, or the handshake */
    int64_t sent_ms_ago;     /* the last data of ours; INT64_MAX: nothing yet */
    bool is_unacknowledged;  /* what was sent is being sent again */
};

struct sock_destroy;

/* NULL with the error set: no netlink here. */
struct sock_destroy *sock_destroy_open(struct error *error);
void sock_destroy_close(struct sock_destroy *destroy);

/* Whether connections can be ended here: tries it on one of its own over loopback. */
bool sock_destroy_probe(struct sock_destroy *destroy, struct error *error);

/* The state of a connection that a process has accepted and not closed; false: there is none
 * such, or not any more. */
bool sock_destroy_look(struct sock_destroy *destroy, const struct socket_pair *pair,
                       struct socket_state *state_r);

/* Ends the connection with these addresses and this cookie, from sock_destroy_look(). False
 * with the error set: refused, or it is gone or another one now; then nothing was ended. */
bool sock_destroy_end(struct sock_destroy *destroy, const struct socket_pair *pair,
                      uint64_t cookie, struct error *error);

#endif
