/*
 * listen_drops - counters of the network stack: clients that found an accept queue full, of any
 * port of this host (/proc/net/netstat), and how many connections came (/proc/net/snmp). The
 * files stay open: a look is one pread(2) each, some 20 us.
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
/* Connections that came since the host is up, to any port, IPv4 and IPv6; cheap to ask for, so
 * that the dear reading of all connections need not be taken when nothing moves. */
bool socket_counters_read_opened(struct socket_counters *counters, int64_t *opened_r);

/* The text of /proc/net/netstat: a line of names and a line of values for each protocol. */
bool listen_drops_parse(const char *text, struct listen_drops *drops_r);
/* The text of /proc/net/snmp, likewise. */
bool connections_opened_parse(const char *text, int64_t *opened_r);

#endif
