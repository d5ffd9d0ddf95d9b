#include "host/session_watch.h"

#include "common/memory.h"
#include "host/inode_set.h"
#include "host/netlink.h"

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As <netinet/tcp.h> has them, whose struct tcp_info is older than the kernel's. */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE_WAIT  8
#define INFO_SIZE         (offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t))
/* The end of what the client says counts as a byte. */
#define RECEIVED_NOTHING 1

struct seen {
    uint64_t cookie; /* of the socket: unlike its addresses never used again */
    bool is_judged;
    enum session_ending ending;
};

struct sights {
    struct seen *all; /* sorted by cookie */
    size_t count, size;
};

struct session_watch {
    uint16_t port;
    struct netlink netlink;
    bool has_last;
    struct sights last, now;
    const struct inode_set *excluded; /* of this look */
};

bool session_sight_judge(const struct session_sight *sight, enum session_ending *ending_r)
{
    if (sight->received > RECEIVED_NOTHING)
        *ending_r = SESSION_SERVED;
    else if (sight->has_client_left)
        *ending_r = SESSION_LOST;
    else if (sight->sent > 0 && sight->silent_ms >= SESSION_WATCH_SILENT_MS)
        *ending_r = SESSION_SILENT;
    else
        return false; /* it is our turn, or was a moment ago */
    return true;
}

struct session_watch *session_watch_open(uint16_t port)
{
    struct session_watch *watch = memory_allocate(1, sizeof(*watch));
    watch->port = port;
    netlink_open(&watch->netlink);
    return watch;
}

void session_watch_close(struct session_watch *watch)
{
    if (!watch)
        return;
    netlink_close(&watch->netlink);
    free(watch->last.all);
    free(watch->now.all);
    free(watch);
}

static void add(struct sights *sights, const struct seen *seen)
{
    if (sights->count == SESSION_WATCH_MAX)
        return;
    if (sights->count == sights->size) {
        sights->size = sights->size ? 2 * sights->size : 256;
        sights->all = memory_resize(sights->all, sights->size, sizeof(*sights->all));
    }
    sights->all[sights->count++] = *seen;
}

static void see(void *context, const struct nlmsghdr *header)
{
    struct session_watch *watch = context;
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*found)) || found->idiag_inode == 0)
        return; /* no process has accepted it */
    const void *attribute =
        netlink_attribute(header, sizeof(*found), INET_DIAG_INFO, INFO_SIZE, NULL);
    if (!attribute ||
        (watch->excluded && inode_set_contains(watch->excluded, found->idiag_inode)))
        return;
    struct tcp_info info;
    memcpy(&info, attribute, INFO_SIZE); /* it is aligned for 32 bits only */
    const struct session_sight sight = {
        .has_client_left = found->idiag_state == STATE_CLOSE_WAIT,
        .received = info.tcpi_bytes_received,
        .sent = info.tcpi_bytes_acked,
        .silent_ms = info.tcpi_last_data_recv,
    };
    struct seen seen = {.cookie = (uint64_t)found->id.idiag_cookie[1] << 32 |
                                  found->id.idiag_cookie[0]};
    seen.is_judged = session_sight_judge(&sight, &seen.ending);
    add(&watch->now, &seen);
}

static bool ask(struct session_watch *watch)
{
    watch->now.count = 0;
    if (watch->netlink.fd < 0)
        netlink_open(&watch->netlink);
    if (watch->netlink.fd < 0)
        return false;
    if (netlink_dump_tcp(&watch->netlink, watch->port,
                         1U << STATE_ESTABLISHED | 1U << STATE_CLOSE_WAIT,
                         1U << (INET_DIAG_INFO - 1), see, watch))
        return true;
    netlink_close(&watch->netlink);
    return false;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct seen *)a)->cookie, y = ((const struct seen *)b)->cookie;
    return (x > y) - (x < y);
}

static void count_gone(const struct session_watch *watch, int *ended)
{
    const struct seen *now = watch->now.all;
    size_t next = 0;
    for (size_t i = 0; i < watch->last.count; i++) {
        const struct seen *before = &watch->last.all[i];
        while (next < watch->now.count && now[next].cookie < before->cookie)
            next++;
        bool is_there = next < watch->now.count && now[next].cookie == before->cookie;
        if (!is_there && before->is_judged)
            ended[before->ending]++;
    }
}

bool session_watch_look(struct session_watch *watch, const struct inode_set *excluded,
                        int ended_r[static SESSION_ENDING_COUNT])
{
    memset(ended_r, 0, SESSION_ENDING_COUNT * sizeof(ended_r[0]));
    watch->excluded = excluded;
    bool had_last = watch->has_last;
    watch->has_last = ask(watch);
    if (!watch->has_last)
        return false;
    if (watch->now.count > 0)
        qsort(watch->now.all, watch->now.count, sizeof(watch->now.all[0]), compare);
    if (had_last)
        count_gone(watch, ended_r);
    struct sights last = watch->last;
    watch->last = watch->now;
    watch->now = last;
    return true;
}
