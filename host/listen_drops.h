/*
 * listen_drops - counters of the network stack: clients that found an accept queue full, of any
 * port of this host (/proc/net/netstat), and how many TCP sockets are in use
 * (/proc/net/sockstat). The files stay open: a look is one pread(2) each, some 20 us.
 *
 * Belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_LISTEN_DROPS_H
#define POSTVALVE_HOST_LISTEN_DROPS_H

#include <stdbool.h>
#include <stdint.h>

struct listen_drops {
    int64_t overflows; /* ListenOverflows: the accept queue was full */
    int64_t drops;     /* ListenDrops: whatever the reason */
};

struct socket_counters;

/* Never fails: what cannot be opened cannot be read. */
struct socket_counters *socket_counters_open(void);
void socket_counters_close(struct socket_counters *counters);

bool socket_counters_read_drops(struct socket_counters *counters, struct listen_drops *drops_r);
/* Connections and listeners, IPv4 and IPv6; cheap to ask for, so that the dear reading of all
 * connections need not be taken when nothing moves. */
bool socket_counters_read_in_use(struct socket_counters *counters, int64_t *in_use_r);

/* The text of /proc/net/netstat: a line of names and a line of values for each protocol. */
bool listen_drops_parse(const char *text, struct listen_drops *drops_r);
/* The text of /proc/net/sockstat or sockstat6: "TCP: inuse 32 orphan ...". */
bool sockets_in_use_parse(const char *text, int64_t *in_use_r);

#endif
