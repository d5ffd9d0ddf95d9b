/*
 * proc_tcp - the numbers of sock_diag.h out of the text of /proc/net/tcp, proc(5).
 *
 * Tells the same, but for backlog limit, drops and the longest wait, and takes 10 to 50 times
 * as long. Not a snapshot: while connections come and go a few others may be missed or counted
 * twice. Any thread.
 */
#ifndef POSTVALVE_HOST_PROC_TCP_H
#define POSTVALVE_HOST_PROC_TCP_H

#include "common/error.h"
#include "host/sock_diag.h"

#include <stdbool.h>
#include <stdint.h>

/* /proc/net/tcp and /proc/net/tcp6 (which a kernel without IPv6 does not have). Listeners alone
 * (busy is 0) are cheaper: they come first.
 * excluded: as for sock_diag_exclude(). */
bool proc_tcp_read(uint16_t port, bool is_listeners_only, const struct inode_set *excluded,
                   struct port_usage *usage_r, struct error *error);

/* Adds one line of these files; false where it is none, e.g. the heading. */
bool proc_tcp_add_line(const char *line, uint16_t port, const struct inode_set *excluded,
                       struct port_usage *usage, bool *is_listener_r);

#endif
