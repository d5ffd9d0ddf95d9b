#include "host/sock_destroy.h"

#include "common/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BUFFER_SIZE        4096 /* of one answer; it has some 500 bytes */
#define RECEIVE_TIMEOUT_MS 200
#define RECEIVES_MAX       8 /* answers to earlier questions that came late */
#define NO_COOKIE          UINT64_MAX
#define COOKIE_HALF_BITS   32
#define MS_PER_US          1000
/* As <netinet/tcp.h> has them, whose struct tcp_info is older than the kernel's. */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE_WAIT  8

struct sock_destroy {
    int fd;
    uint32_t sequence;
    _Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
};

struct question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

struct sock_destroy *sock_destroy_open(struct error *error)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval timeout = {.tv_usec = RECEIVE_TIMEOUT_MS * MS_PER_US};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    /* Connected: nobody but the kernel can send to us. */
    if (fd < 0 || connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
        error_set(error, "sock_diag(7) is not permitted here (AF_NETLINK): %s",
                  strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct sock_destroy *destroy = memory_allocate(1, sizeof(*destroy));
    destroy->fd = fd;
    return destroy;
}

void sock_destroy_close(struct sock_destroy *destroy)
{
    if (!destroy)
        return;
    close(destroy->fd);
    free(destroy);
}

static void set_pair(struct inet_diag_req_v2 *request, const struct socket_pair *pair,
                     uint64_t cookie)
{
    request->sdiag_family = pair->local.family == ADDRESS_IPV4 ? AF_INET : AF_INET6;
    request->sdiag_protocol = IPPROTO_TCP;
    request->idiag_states = ~0U;
    request->id.idiag_sport = htons(pair->local_port);
    request->id.idiag_dport = htons(pair->remote_port);
    /* IPv4 in the first four bytes, the rest zero, here as there. */
    memcpy(request->id.idiag_src, pair->local.bytes, sizeof(pair->local.bytes));
    memcpy(request->id.idiag_dst, pair->remote.bytes, sizeof(pair->remote.bytes));
    request->id.idiag_cookie[0] = (uint32_t)cookie;
    request->id.idiag_cookie[1] = (uint32_t)(cookie >> COOKIE_HALF_BITS);
}

/* The kernel takes IPv4 sockets and IPv6 sockets with an IPv4 peer for the same here. */
static bool is_pair_whole(const struct socket_pair *pair)
{
    return pair->local.family != ADDRESS_NONE && pair->local.family == pair->remote.family &&
           pair->local_port != 0 && pair->remote_port != 0;
}

/* Sends and returns the message that answers; NULL with errno: none came. */
static const struct nlmsghdr *ask(struct sock_destroy *destroy, struct question *question)
{
    question->header.nlmsg_len = sizeof(*question);
    question->header.nlmsg_seq = ++destroy->sequence;
    if (send(destroy->fd, question, sizeof(*question), 0) != (ssize_t)sizeof(*question))
        return NULL;
    for (int i = 0; i < RECEIVES_MAX; i++) {
        ssize_t received = recv(destroy->fd, destroy->buffer, sizeof(destroy->buffer), 0);
        if (received < 0 && errno != EINTR)
            return NULL;
        const struct nlmsghdr *header = (const struct nlmsghdr *)destroy->buffer;
        if (received > 0 && NLMSG_OK(header, (size_t)received) &&
            header->nlmsg_seq == destroy->sequence)
            return header;
    }
    errno = ETIMEDOUT;
    return NULL;
}

/* 0 or an errno: what NLMSG_ERROR carries. */
static int refusal_of(const struct nlmsghdr *header)
{
    const struct nlmsgerr *refusal = NLMSG_DATA(header);
    if (header->nlmsg_type != NLMSG_ERROR ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(refusal->error)))
        return EIO;
    return -refusal->error;
}

/* An IPv6 socket with an IPv4 peer says ::ffff:192.0.2.1. */
static bool is_address(const __be32 found[4], uint8_t family, const struct address *wanted)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *bytes = (const uint8_t *)found;
    if (family == AF_INET6 && wanted->family == ADDRESS_IPV4)
        return memcmp(bytes, mapped, sizeof(mapped)) == 0 &&
               memcmp(bytes + sizeof(mapped), wanted->bytes, sizeof(struct in_addr)) == 0;
    if ((family == AF_INET6) != (wanted->family == ADDRESS_IPV6))
        return false;
    size_t length = family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    return memcmp(bytes, wanted->bytes, length) == 0;
}

/* Where no connection matches the kernel answers with the listener. A connection that no
 * process has accepted yet belongs to no file: its inode is 0. */
static bool is_wanted(const struct inet_diag_msg *found, const struct socket_pair *pair)
{
    return (found->idiag_state == STATE_ESTABLISHED ||
            found->idiag_state == STATE_CLOSE_WAIT) &&
           found->idiag_inode != 0 && ntohs(found->id.idiag_sport) == pair->local_port &&
           ntohs(found->id.idiag_dport) == pair->remote_port &&
           is_address(found->id.idiag_src, found->idiag_family, &pair->local) &&
           is_address(found->id.idiag_dst, found->idiag_family, &pair->remote);
}

static bool has_field(size_t length, size_t offset)
{
    return length >= offset + sizeof(uint32_t);
}

/* The kernel's struct may be longer than ours, or shorter. */
static void set_times(const void *data, size_t length, struct socket_state *state_r)
{
    struct tcp_info info;
    memset(&info, 0, sizeof(info));
    memcpy(&info, data, length < sizeof(info) ? length : sizeof(info));
    state_r->received_ms_ago = info.tcpi_last_data_recv;
    state_r->sent_ms_ago = info.tcpi_last_data_sent;
    /* As long as nothing was sent the kernel has the time of the handshake there. */
    if (has_field(length, offsetof(struct tcp_info, tcpi_data_segs_out)) &&
        info.tcpi_data_segs_out == 0)
        state_r->sent_ms_ago = INT64_MAX;
    state_r->is_unacknowledged = info.tcpi_retransmits > 0;
}

static bool read_times(const struct nlmsghdr *header, struct socket_state *state_r)
{
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof(*found));
    const struct rtattr *attribute = (const struct rtattr *)(found + 1);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type != INET_DIAG_INFO ||
            !has_field(RTA_PAYLOAD(attribute), offsetof(struct tcp_info, tcpi_last_data_recv)))
            continue;
        set_times(RTA_DATA(attribute), RTA_PAYLOAD(attribute), state_r);
        return true;
    }
    return false;
}

bool sock_destroy_look(struct sock_destroy *destroy, const struct socket_pair *pair,
                       struct socket_state *state_r)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    if (!is_pair_whole(pair))
        return false;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.request.idiag_ext = 1U << (INET_DIAG_INFO - 1);
    set_pair(&question.request, pair, NO_COOKIE);
    const struct nlmsghdr *answer = ask(destroy, &question);
    if (!answer || answer->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return false;
    const struct inet_diag_msg *found = NLMSG_DATA(answer);
    if (!is_wanted(found, pair))
        return false;
    state_r->cookie = found->id.idiag_cookie[0] | (uint64_t)found->id.idiag_cookie[1]
                                                      << COOKIE_HALF_BITS;
    return read_times(answer, state_r);
}

/* 0 or an errno. */
static int end_connection(struct sock_destroy *destroy, const struct socket_pair *pair,
                          uint64_t cookie)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    /* The kernel would take all ones as "any". */
    if (!is_pair_whole(pair) || cookie == 0 || cookie == NO_COOKIE)
        return EINVAL;
    question.header.nlmsg_type = SOCK_DESTROY;
    question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    set_pair(&question.request, pair, cookie);
    const struct nlmsghdr *answer = ask(destroy, &question);
    return answer ? refusal_of(answer) : errno;
}

bool sock_destroy_end(struct sock_destroy *destroy, const struct socket_pair *pair,
                      uint64_t cookie, struct error *error)
{
    int refusal = end_connection(destroy, pair, cookie);
    return refusal == 0 || error_set(error, "%s", strerror(refusal));
}
