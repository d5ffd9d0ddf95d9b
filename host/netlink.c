#include "host/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel has the first part of the answer ready when send(2) returns. */
#define RECEIVE_TIMEOUT_MS 200
#define RECEIVES_MAX       20000 /* of 32 KB: some million connections */

void netlink_open(struct netlink *netlink)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval timeout = {.tv_usec = RECEIVE_TIMEOUT_MS * 1000};

    netlink->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink->fd < 0)
        return;
    /* Connected: nobody but the kernel can send to us. */
    if (connect(netlink->fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
        setsockopt(netlink->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
        netlink_close(netlink);
}

void netlink_close(struct netlink *netlink)
{
    if (netlink->fd >= 0)
        close(netlink->fd);
    netlink->fd = -1;
}

enum part { PART_MORE, PART_DONE, PART_FAILED };

/* One datagram of the answer; PART_FAILED with errno. */
static enum part read_part(struct netlink *netlink, netlink_callback *callback, void *context)
{
    ssize_t received = recv(netlink->fd, netlink->buffer, sizeof(netlink->buffer), 0);
    if (received < 0)
        return errno == EINTR ? PART_MORE : PART_FAILED;
    unsigned left = (unsigned)received;
    for (struct nlmsghdr *header = (struct nlmsghdr *)netlink->buffer; NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_seq != netlink->sequence)
            continue;
        if (header->nlmsg_type == NLMSG_DONE)
            return PART_DONE;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *refusal = NLMSG_DATA(header);
            errno = header->nlmsg_len >= NLMSG_LENGTH(sizeof(*refusal)) ? -refusal->error : EIO;
            return PART_FAILED;
        }
        callback(context, header);
    }
    return PART_MORE;
}

bool netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_callback *callback,
                  void *context)
{
    enum part part = PART_MORE;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = ++netlink->sequence;
    if (send(netlink->fd, request, request->nlmsg_len, 0) != (ssize_t)request->nlmsg_len)
        return false;
    for (int i = 0; i < RECEIVES_MAX && part == PART_MORE; i++)
        part = read_part(netlink, callback, context);
    return part == PART_DONE;
}

/*
 * The request is the older of the two that sock_diag(7) knows, TCPDIAG_GETSOCK: with no family
 * given it answers for IPv4 and IPv6 in one walk of the table, while SOCK_DIAG_BY_FAMILY takes
 * one walk for each. The walk is what costs: with 262144 buckets 0.15 ms when there are no
 * connections at all, and 1 ms with 34000 in TIME_WAIT, which a flood of hang-ups leaves
 * behind. A filter in INET_DIAG_REQ_BYTECODE saves no more than the port in the request does,
 * which the kernel compares first.
 */
bool netlink_dump_tcp(struct netlink *netlink, uint16_t port, uint32_t states,
                      uint8_t extensions, netlink_callback *callback, void *context)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req request;
    } message;
    memset(&message, 0, sizeof(message));
    message.header.nlmsg_len = sizeof(message);
    message.header.nlmsg_type = TCPDIAG_GETSOCK;
    message.request.idiag_states = states;
    message.request.idiag_ext = extensions;
    message.request.id.idiag_sport = htons(port);
    return netlink_dump(netlink, &message.header, callback, context);
}

const void *netlink_attribute(const struct nlmsghdr *answer, size_t message_size,
                              unsigned short type, size_t size, size_t *length_r)
{
    const size_t head = sizeof(struct nlattr), unit = NLA_ALIGNTO;
    size_t offset = NLMSG_LENGTH(NLMSG_ALIGN(message_size));
    while (offset + head <= answer->nlmsg_len) {
        const char *at = (const char *)answer + offset;
        const struct nlattr *attribute = (const void *)at;
        size_t length = attribute->nla_len;
        if (length < head || offset + length > answer->nlmsg_len)
            break;
        if (attribute->nla_type == type) {
            if (length_r)
                *length_r = length - head;
            return length - head >= size ? at + head : NULL;
        }
        offset += (length + unit - 1) / unit * unit;
    }
    return NULL;
}
