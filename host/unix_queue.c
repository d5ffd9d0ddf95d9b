#include "host/unix_queue.h"

#include "common/memory.h"
#include "common/slice.h"
#include "host/netlink.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PATH_SIZE 4352 /* a queue directory, "/private/", a name */

static const char *const folders[] = {"private", "public"};
#define FOLDER_COUNT (sizeof(folders) / sizeof(folders[0]))

struct unix_queue {
    struct netlink netlink;
    char paths[FOLDER_COUNT][PATH_SIZE];
    size_t name_offset; /* of "private/NAME" in a path */
    bool has_inode;     /* the file can be seen */
    bool is_missing;    /* it can be seen that there is none */
    ino_t inode;
    /* of a reading */
    int found, waiting;
};

struct unix_queue *unix_queue_open(const char *queue_directory, const char *name)
{
    struct unix_queue *queue = memory_allocate(1, sizeof(*queue));
    for (size_t i = 0; i < FOLDER_COUNT; i++)
        snprintf(queue->paths[i], PATH_SIZE, "%s/%s/%s", queue_directory, folders[i], name);
    queue->name_offset = strlen(queue_directory) + 1;
    netlink_open(&queue->netlink);
    return queue;
}

void unix_queue_close(struct unix_queue *queue)
{
    if (!queue)
        return;
    netlink_close(&queue->netlink);
    free(queue);
}

/* Anew each time: a restarted Postfix makes the file again. */
static void find_inode(struct unix_queue *queue)
{
    struct stat status;
    queue->has_inode = false;
    queue->is_missing = true;
    for (size_t i = 0; i < FOLDER_COUNT && !queue->has_inode; i++) {
        bool is_seen = stat(queue->paths[i], &status) == 0;
        queue->has_inode = is_seen && S_ISSOCK(status.st_mode);
        queue->inode = status.st_ino;
        if (is_seen || errno != ENOENT)
            queue->is_missing = false;
    }
}

/* master(8) binds relative to the queue directory; another version might not. */
static bool is_name(const struct unix_queue *queue, struct slice name)
{
    if (name.length > 0 && name.data[name.length - 1] == '\0')
        name.length--;
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        const char *path = queue->paths[i];
        if (slice_equals(name, slice_from_string(path)) ||
            slice_equals(name, slice_from_string(path + queue->name_offset)))
            return true;
    }
    return false;
}

static void count(void *context, const struct nlmsghdr *answer)
{
    struct unix_queue *queue = context;
    struct slice name = {NULL, 0};
    if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
        return;
    size_t size = sizeof(struct unix_diag_msg);
    name.data = netlink_attribute(answer, size, UNIX_DIAG_NAME, 1, &name.length);
    const struct unix_diag_vfs *file =
        netlink_attribute(answer, size, UNIX_DIAG_VFS, sizeof(*file), NULL);
    const struct unix_diag_rqlen *length =
        netlink_attribute(answer, size, UNIX_DIAG_RQLEN, sizeof(*length), NULL);
    if (!name.data || !length || !is_name(queue, name))
        return;
    if (queue->has_inode && file && file->udiag_vfs_ino != (uint32_t)queue->inode)
        return;
    queue->found++;
    queue->waiting += (int)length->udiag_rqueue;
}

bool unix_queue_read(struct unix_queue *queue, int *waiting_r)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message;
    memset(&message, 0, sizeof(message));
    message.header.nlmsg_len = sizeof(message);
    message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.request.sdiag_family = AF_UNIX;
    message.request.udiag_states = 1U << TCP_LISTEN;
    message.request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
    queue->found = queue->waiting = 0;
    find_inode(queue);
    if (queue->is_missing)
        return false;
    if (queue->netlink.fd < 0)
        netlink_open(&queue->netlink);
    if (queue->netlink.fd < 0)
        return false;
    if (!netlink_dump(&queue->netlink, &message.header, count, queue)) {
        netlink_close(&queue->netlink);
        return false;
    }
    *waiting_r = queue->waiting;
    return queue->found > 0;
}
