#include "host/proc_tcp.h"

#include "host/inode_set.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 2000000 /* far above what fits into memory as sockets: an end in any case */

static bool is_counted(const struct inode_set *excluded, unsigned long inode)
{
    return inode != 0 && (!excluded || !inode_set_contains(excluded, inode));
}

bool proc_tcp_add_line(const char *line, uint16_t port, const struct inode_set *excluded,
                       struct port_usage *usage, bool *is_listener_r)
{
    unsigned local_port, state, receive_queue;
    unsigned long inode;
    /* number: local_address:port remote_address:port state tx_queue:rx_queue timer:when
     * retransmits uid timeout inode */
    if (sscanf(
            line,
            "%*u: %*32[0-9A-Fa-f]:%4x %*32[0-9A-Fa-f]:%*4x %2x %*8x:%8x %*2x:%*8x %*8x %*u %*u "
            "%lu",
            &local_port, &state, &receive_queue, &inode) != 4)
        return false;
    *is_listener_r = state == TCP_LISTEN;
    if (local_port != port)
        return true;
    if (state == TCP_LISTEN) {
        usage->listeners++;
        usage->waiting += (int)receive_queue;
    } else if ((state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) &&
               is_counted(excluded, inode)) {
        usage->busy++;
    }
    return true;
}

static bool read_file(const char *path, uint16_t port, bool is_listeners_only,
                      const struct inode_set *excluded, struct port_usage *usage,
                      struct error *error)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, "%s: %s", path, strerror(errno));
    for (int i = 0; i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
        bool is_listener;
        if (proc_tcp_add_line(line, port, excluded, usage, &is_listener) && !is_listener &&
            is_listeners_only)
            break;
    }
    fclose(file);
    return true;
}

bool proc_tcp_read(uint16_t port, bool is_listeners_only, const struct inode_set *excluded,
                   struct port_usage *usage_r, struct error *error)
{
    *usage_r = (struct port_usage){.drops = -1, .longest_wait_ms = -1};
    if (!read_file("/proc/net/tcp", port, is_listeners_only, excluded, usage_r, error))
        return false;
    struct error no_ipv6;
    read_file("/proc/net/tcp6", port, is_listeners_only, excluded, usage_r, &no_ipv6);
    if (is_listeners_only)
        usage_r->busy = 0; /* one may have been read before the end was seen */
    return true;
}
