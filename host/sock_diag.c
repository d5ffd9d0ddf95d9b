#include "host/sock_diag.h"

#include "common/memory.h"
#include "host/inode_set.h"
#include "host/netlink.h"
#include "host/proc_tcp.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>

#define STATE(name)     (1U << (name))
#define EXTENSION(name) ((uint8_t)(1U << ((name)-1)))

/*
 * A connection that no process has accepted yet belongs to no file, so its inode is 0.
 */
struct sock_diag {
    uint16_t port;
    const struct inode_set *excluded; /* NULL: none */
    struct netlink netlink;
};

struct sock_diag *sock_diag_open(uint16_t port)
{
    struct sock_diag *diag = memory_allocate(1, sizeof(*diag));
    diag->port = port;
    netlink_open(&diag->netlink);
    return diag;
}

void sock_diag_close(struct sock_diag *diag)
{
    if (!diag)
        return;
    netlink_close(&diag->netlink);
    free(diag);
}

void sock_diag_exclude(struct sock_diag *diag, const struct inode_set *set)
{
    diag->excluded = set;
}

bool sock_diag_uses_netlink(const struct sock_diag *diag)
{
    return diag->netlink.fd >= 0;
}

/* What to ask the kernel for. */
struct question {
    uint32_t states;
    uint8_t extensions;
};

static void count_listener(const struct nlmsghdr *header, struct port_usage *usage)
{
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    const uint32_t *memory = netlink_attribute(header, sizeof(*found), INET_DIAG_SKMEMINFO,
                                               (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t), NULL);
    usage->listeners++;
    usage->waiting += (int)found->idiag_rqueue;
    usage->backlog_limit += (int)found->idiag_wqueue;
    if (memory)
        usage->drops = (usage->drops > 0 ? usage->drops : 0) + memory[SK_MEMINFO_DROPS];
}

/* Nothing was sent yet on a connection that no process took: since then it waits. */
static void count_waiting(const struct nlmsghdr *header, struct port_usage *usage)
{
    const struct tcp_info *info = netlink_attribute(
        header, sizeof(struct inet_diag_msg), INET_DIAG_INFO,
        offsetof(struct tcp_info, tcpi_last_data_sent) + sizeof(uint32_t), NULL);
    if (info && (int64_t)info->tcpi_last_data_sent > usage->longest_wait_ms)
        usage->longest_wait_ms = info->tcpi_last_data_sent;
}

struct count {
    const struct inode_set *excluded;
    struct port_usage *usage;
};

static void count_socket(void *context, const struct nlmsghdr *header)
{
    const struct count *count = context;
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*found)))
        return;
    if (found->idiag_state == TCP_LISTEN)
        count_listener(header, count->usage);
    else if (found->idiag_inode == 0)
        count_waiting(header, count->usage);
    else if (!count->excluded || !inode_set_contains(count->excluded, found->idiag_inode))
        count->usage->busy++;
}

static bool read_netlink(struct sock_diag *diag, const struct question *question,
                         struct port_usage *usage_r)
{
    struct count count = {diag->excluded, usage_r};
    *usage_r = (struct port_usage){.drops = -1, .longest_wait_ms = -1};
    if (question->extensions & EXTENSION(INET_DIAG_INFO))
        usage_r->longest_wait_ms = 0;
    return netlink_dump_tcp(&diag->netlink, diag->port, question->states, question->extensions,
                            count_socket, &count);
}

static bool read_usage(struct sock_diag *diag, const struct question *question,
                       struct port_usage *usage_r, struct error *error)
{
    /* After a failure a new socket: the old one may still hold a part of an answer. When that
     * fails too, netlink is not for us. */
    for (int attempt = 0; attempt < 2 && diag->netlink.fd >= 0; attempt++) {
        if (read_netlink(diag, question, usage_r))
            return true;
        netlink_close(&diag->netlink);
        netlink_open(&diag->netlink);
    }
    netlink_close(&diag->netlink);
    bool is_listeners_only = !(question->states & STATE(TCP_ESTABLISHED));
    return proc_tcp_read(diag->port, is_listeners_only, diag->excluded, usage_r, error);
}

#define STATES_ALL (STATE(TCP_LISTEN) | STATE(TCP_ESTABLISHED) | STATE(TCP_CLOSE_WAIT))

bool sock_diag_read_listeners(struct sock_diag *diag, struct port_usage *usage_r,
                              struct error *error)
{
    const struct question question = {STATE(TCP_LISTEN), EXTENSION(INET_DIAG_SKMEMINFO)};
    return read_usage(diag, &question, usage_r, error);
}

bool sock_diag_read(struct sock_diag *diag, struct port_usage *usage_r, struct error *error)
{
    const struct question question = {STATES_ALL, 0};
    return read_usage(diag, &question, usage_r, error);
}

bool sock_diag_read_wait(struct sock_diag *diag, struct port_usage *usage_r,
                         struct error *error)
{
    const struct question question = {STATES_ALL, EXTENSION(INET_DIAG_INFO)};
    return read_usage(diag, &question, usage_r, error);
}
