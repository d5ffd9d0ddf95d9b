/*
 * listen_socket - listening sockets of our daemons, inet and unix.
 *
 * A unix socket file that is left over (nobody answers) is replaced; one that answers, and
 * anything that is not a socket, is never touched. Main thread, at start: opening a unix socket
 * changes the umask of the process for a moment.
 */
#ifndef POSTVALVE_HOST_LISTEN_SOCKET_H
#define POSTVALVE_HOST_LISTEN_SOCKET_H

#include "common/config.h"
#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

#define LISTEN_SOCKET_BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

struct listen_socket {
    int fd;       /* -1: closed */
    dev_t device; /* of the file of a unix socket */
    ino_t inode;
};

/* An owner or group of "" is what the process is at that moment: to have it the user the daemon
 * runs as, open after privileges_drop(), or pass that user's name. */

/* Bound and listening, non-blocking, close-on-exec. Inet: of a name the first address that can
 * be bound counts, an IPv6 address takes IPv6 clients only; settings is not used and may be
 * NULL. Unix: owner, group and mode hold before the first client can connect. Errors name the
 * endpoint; listener_r->fd is -1 then. */
bool listen_socket_open(const struct endpoint *endpoint, const struct socket_settings *settings,
                        struct listen_socket *listener_r, struct error *error);
/* Removes the file of a unix socket if it is still the one that open made (a successor may have
 * replaced it). Nothing to do for a closed one. */
void listen_socket_close(struct listen_socket *listener, const struct endpoint *endpoint);

/* For libmilter, which binds the socket itself:
 *   listen_socket_prepare_path()   removes a stale file, refuses a live one
 *   umask(0177); smfi_opensocket(false); umask(the old one)
 *   listen_socket_set_owner()      applies owner, group and mode
 * Both return true at once for an inet endpoint. */
bool listen_socket_prepare_path(const struct endpoint *endpoint, struct error *error);
bool listen_socket_set_owner(const struct endpoint *endpoint,
                             const struct socket_settings *settings, struct error *error);

/* Whether somebody accepts connections there. Any thread; blocks up to timeout_ms, and for an
 * inet name as long as the resolver does. */
bool endpoint_is_answering(const struct endpoint *endpoint, int timeout_ms,
                           struct error *error);

#endif
