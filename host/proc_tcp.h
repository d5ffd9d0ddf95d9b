/*
 * proc_tcp - the numbers of sock_diag.h out of the text of /proc/net/tcp, proc(5).
 *
 * Tells the same, but for the backlog limit, and takes 10 to 50 times as long. Not a snapshot:
 * while connections come and go a few others may be missed or counted twice. Any thread.
 */
#ifndef POSTVALVE_HOST_PROC_TCP_H
#define POSTVALVE_HOST_PROC_TCP_H

#include "common/error.h"
#include "host/sock_diag.h"

#include <stdbool.h>
#include <stdint.h>

/* /proc/net/tcp and /proc/net/tcp6 (which a kernel without IPv6 does not have). Listeners alone
 * (busy is 0) are cheaper: they come first. */
bool proc_tcp_read(uint16_t port, bool is_listeners_only, struct port_usage *usage_r,
                   struct error *error);

/* Adds one line of these files; false where it is none, e.g. the heading. */
bool proc_tcp_add_line(const char *line, uint16_t port, struct port_usage *usage,
                       bool *is_listener_r);

#endif
