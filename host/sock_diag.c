#include "host/sock_diag.h"

#include "common/memory.h"
#include "host/proc_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel puts no more than 32 KB into one message. */
#define BUFFER_SIZE 32768
/* The kernel has the first part of the answer ready when send(2) returns. */
#define RECEIVE_TIMEOUT_MS 200
#define RECEIVES_MAX       20000 /* of 32 KB: some million connections */

#define STATE(name) (1U << (name))

/*
 * The request is the older of the two that sock_diag(7) knows, TCPDIAG_GETSOCK: with no family
 * given it answers for IPv4 and IPv6 in one walk of the table, while SOCK_DIAG_BY_FAMILY takes
 * one walk for each. The walk is what costs: with 262144 buckets 0.15 ms when there are no
 * connections at all, and 1 ms with 34000 in TIME_WAIT, which a flood of hang-ups leaves
 * behind. A filter in INET_DIAG_REQ_BYTECODE saves no more than the port in the request does,
 * which the kernel compares first.
 *
 * A connection that no process has accepted yet belongs to no file, so its inode is 0.
 */
struct sock_diag {
    int fd; /* -1: netlink does not work here */
    uint16_t port;
    uint32_t sequence;
    _Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
};

static void open_netlink(struct sock_diag *diag)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval timeout = {.tv_usec = RECEIVE_TIMEOUT_MS * 1000};

    diag->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (diag->fd < 0)
        return;
    /* Connected: nobody but the kernel can send to us. */
    if (connect(diag->fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
        setsockopt(diag->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
        close(diag->fd);
        diag->fd = -1;
    }
}

struct sock_diag *sock_diag_open(uint16_t port)
{
    struct sock_diag *diag = memory_allocate(1, sizeof(*diag));
    diag->port = port;
    open_netlink(diag);
    return diag;
}

void sock_diag_close(struct sock_diag *diag)
{
    if (!diag)
        return;
    if (diag->fd >= 0)
        close(diag->fd);
    free(diag);
}

bool sock_diag_uses_netlink(const struct sock_diag *diag)
{
    return diag->fd >= 0;
}

static bool send_request(struct sock_diag *diag, uint32_t states)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req request;
    } message;
    memset(&message, 0, sizeof(message));
    message.header.nlmsg_len = sizeof(message);
    message.header.nlmsg_type = TCPDIAG_GETSOCK;
    message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.header.nlmsg_seq = ++diag->sequence;
    message.request.idiag_states = states;
    message.request.id.idiag_sport = htons(diag->port);
    return send(diag->fd, &message, sizeof(message), 0) == (ssize_t)sizeof(message);
}

static void count_socket(const struct inet_diag_msg *found, struct port_usage *usage)
{
    if (found->idiag_state == TCP_LISTEN) {
        usage->listeners++;
        usage->waiting += (int)found->idiag_rqueue;
        usage->backlog_limit += (int)found->idiag_wqueue;
    } else if (found->idiag_inode != 0) {
        usage->busy++;
    }
}

enum part { PART_MORE, PART_DONE, PART_FAILED };

/* One datagram of the answer; PART_FAILED with errno. */
static enum part read_part(struct sock_diag *diag, struct port_usage *usage)
{
    ssize_t received = recv(diag->fd, diag->buffer, sizeof(diag->buffer), 0);
    if (received < 0)
        return errno == EINTR ? PART_MORE : PART_FAILED;
    unsigned left = (unsigned)received;
    for (struct nlmsghdr *header = (struct nlmsghdr *)diag->buffer; NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_seq != diag->sequence)
            continue;
        if (header->nlmsg_type == NLMSG_DONE)
            return PART_DONE;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *refusal = NLMSG_DATA(header);
            errno = header->nlmsg_len >= NLMSG_LENGTH(sizeof(*refusal)) ? -refusal->error : EIO;
            return PART_FAILED;
        }
        if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            count_socket(NLMSG_DATA(header), usage);
    }
    return PART_MORE;
}

static bool read_netlink(struct sock_diag *diag, uint32_t states, struct port_usage *usage_r)
{
    enum part part = PART_MORE;
    *usage_r = (struct port_usage){.busy = 0};
    if (!send_request(diag, states))
        return false;
    for (int i = 0; i < RECEIVES_MAX && part == PART_MORE; i++)
        part = read_part(diag, usage_r);
    return part == PART_DONE;
}

static bool read_usage(struct sock_diag *diag, uint32_t states, struct port_usage *usage_r,
                       struct error *error)
{
    /* After a failure a new socket: the old one may still hold a part of an answer. When that
     * fails too, netlink is not for us. */
    for (int attempt = 0; attempt < 2 && diag->fd >= 0; attempt++) {
        if (read_netlink(diag, states, usage_r))
            return true;
        close(diag->fd);
        open_netlink(diag);
    }
    if (diag->fd >= 0) {
        close(diag->fd);
        diag->fd = -1;
    }
    return proc_tcp_read(diag->port, !(states & STATE(TCP_ESTABLISHED)), usage_r, error);
}

bool sock_diag_read_listeners(struct sock_diag *diag, struct port_usage *usage_r,
                              struct error *error)
{
    return read_usage(diag, STATE(TCP_LISTEN), usage_r, error);
}

bool sock_diag_read(struct sock_diag *diag, struct port_usage *usage_r, struct error *error)
{
    return read_usage(diag, STATE(TCP_LISTEN) | STATE(TCP_ESTABLISHED) | STATE(TCP_CLOSE_WAIT),
                      usage_r, error);
}
