#include "host/listen_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LIVE_TEST_TIMEOUT_MS 1000

#define NO_ID ((unsigned)-1)

struct ownership { /* NO_ID: leave as it is, as for chown(2) */
    unsigned user_id;
    unsigned group_id;
    mode_t mode;
};

/* A name, or a number as is; "" is NO_ID. */
static bool find_ownership(const struct socket_settings *settings,
                           struct ownership *ownership_r, struct error *error)
{
    const char *owner = settings->owner ? settings->owner : "";
    const char *group = settings->group ? settings->group : "";
    char *end;

    *ownership_r = (struct ownership){NO_ID, NO_ID, (mode_t)(settings->mode & 0777)};
    if (owner[0]) {
        const struct passwd *account = getpwnam(owner);
        ownership_r->user_id = account ? account->pw_uid : (unsigned)strtoul(owner, &end, 10);
        if (!account && *end)
            return error_set(error, "socket owner: no user \"%s\" on this host", owner);
    }
    if (group[0]) {
        const struct group *entry = getgrnam(group);
        ownership_r->group_id = entry ? entry->gr_gid : (unsigned)strtoul(group, &end, 10);
        if (!entry && *end)
            return error_set(error, "socket group: no group \"%s\" on this host", group);
    }
    return true;
}

static bool unix_address(const struct endpoint *endpoint, struct sockaddr_un *address_r,
                         struct error *error)
{
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(endpoint->path) >= sizeof(address_r->sun_path))
        return error_set(error, "%s: path is longer than the %zu characters a socket may have",
                         endpoint->text, sizeof(address_r->sun_path) - 1);
    memcpy(address_r->sun_path, endpoint->path, strlen(endpoint->path));
    return true;
}

static int inet_addresses(const struct endpoint *endpoint, int flags, struct addrinfo **list_r,
                          struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)endpoint->port);
    int code = getaddrinfo(endpoint->host[0] ? endpoint->host : NULL, port, &hints, list_r);
    if (code != 0)
        error_set(error, "%s: cannot find the address of host \"%s\": %s", endpoint->text,
                  endpoint->host, code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    return code;
}

static void close_keeping_errno(int fd)
{
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
}

/* Connects and closes; false with errno. */
static bool try_connect(const struct sockaddr *address, socklen_t length, int timeout_ms)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_connected = connect(fd, address, length) == 0;
    if (!is_connected && errno == EINPROGRESS) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        int result = 0;
        socklen_t result_length = sizeof(result);
        int ready = poll(&poll_fd, 1, timeout_ms);
        if (ready == 0)
            errno = ETIMEDOUT;
        else if (ready > 0 &&
                 getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &result_length) == 0)
            errno = result;
        is_connected = ready > 0 && result == 0;
    } else if (!is_connected && errno == EAGAIN) {
        is_connected = true; /* unix: somebody listens, the accept queue is full */
    }
    close_keeping_errno(fd);
    return is_connected;
}

bool endpoint_is_answering(const struct endpoint *endpoint, int timeout_ms, struct error *error)
{
    struct sockaddr_un address;
    struct addrinfo *list;
    bool is_answering = false;

    if (endpoint->type == ENDPOINT_UNIX) {
        if (!unix_address(endpoint, &address, error))
            return false;
        is_answering =
            try_connect((const struct sockaddr *)&address, sizeof(address), timeout_ms);
    } else {
        if (inet_addresses(endpoint, 0, &list, error) != 0)
            return false;
        for (struct addrinfo *item = list; item && !is_answering; item = item->ai_next)
            is_answering = try_connect(item->ai_addr, item->ai_addrlen, timeout_ms);
        int saved_errno = errno;
        freeaddrinfo(list);
        errno = saved_errno;
    }
    if (!is_answering)
        return error_set(error, "%s: %s", endpoint->text, strerror(errno));
    return true;
}

bool listen_socket_prepare_path(const struct endpoint *endpoint, struct error *error)
{
    struct sockaddr_un address;
    struct stat before, now;

    if (endpoint->type != ENDPOINT_UNIX)
        return true;
    if (!unix_address(endpoint, &address, error))
        return false;
    if (lstat(endpoint->path, &before) < 0)
        return errno == ENOENT || error_set(error, "%s: %s", endpoint->text, strerror(errno));
    if (!S_ISSOCK(before.st_mode))
        return error_set(error, "%s: a file that is not a socket is in the way: remove it",
                         endpoint->text);
    if (try_connect((const struct sockaddr *)&address, sizeof(address), LIVE_TEST_TIMEOUT_MS))
        return error_set(error, "%s: another program is listening there: stop it first",
                         endpoint->text);
    /* Refused: nobody has it open. All else (no permission, ...) says nothing about that. */
    if (errno != ECONNREFUSED)
        return error_set(error, "%s: cannot find out whether the socket is in use: %s",
                         endpoint->text, strerror(errno));
    if (lstat(endpoint->path, &now) < 0 || now.st_ino != before.st_ino ||
        now.st_dev != before.st_dev)
        return error_set(error, "%s: somebody else just changed it", endpoint->text);
    if (unlink(endpoint->path) < 0)
        return error_set(error, "%s: cannot remove the stale socket: %s", endpoint->text,
                         strerror(errno));
    return true;
}

/* The new socket file by descriptor, so that nothing can be put in its place while owner and
 * mode are set; -1 with error. */
static int open_socket_file(const struct endpoint *endpoint, struct stat *status_r,
                            struct error *error)
{
    int fd = open(endpoint->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, status_r) == 0 && S_ISSOCK(status_r->st_mode) &&
        status_r->st_uid == geteuid())
        return fd;
    error_set(error, "%s: the new socket is not there: %s", endpoint->text,
              fd < 0 ? strerror(errno) : "another file took its place");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool set_owner(int path_fd, const struct endpoint *endpoint,
                      const struct ownership *ownership, struct error *error)
{
    if (fchownat(path_fd, "", ownership->user_id, ownership->group_id, AT_EMPTY_PATH) < 0)
        return error_set(error,
                         "%s: cannot set owner and group of the socket: %s: start as root, "
                         "or with that group, or unset them",
                         endpoint->text, strerror(errno));
    return true;
}

bool listen_socket_set_owner(const struct endpoint *endpoint,
                             const struct socket_settings *settings, struct error *error)
{
    struct ownership ownership;
    struct stat status;
    char link[64];

    if (endpoint->type != ENDPOINT_UNIX)
        return true;
    if (!find_ownership(settings, &ownership, error))
        return false;
    int fd = open_socket_file(endpoint, &status, error);
    if (fd < 0)
        return false;
    bool is_set = set_owner(fd, endpoint, &ownership, error);
    /* fchmod() does not take an O_PATH descriptor. */
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (is_set && chmod(link, ownership.mode) < 0)
        is_set = error_set(error, "%s: cannot set the mode of the socket: %s", endpoint->text,
                           strerror(errno));
    close(fd);
    return is_set;
}

/* Until listen(2) nobody can connect, so owner, group and mode hold before the first client. */
static bool bind_unix(const struct endpoint *endpoint, const struct ownership *ownership,
                      struct listen_socket *listener, struct error *error)
{
    struct sockaddr_un address;
    struct stat status;

    if (!unix_address(endpoint, &address, error) ||
        !listen_socket_prepare_path(endpoint, error))
        return false;
    mode_t old_mask = umask(~ownership->mode & 0777);
    int result = bind(listener->fd, (const struct sockaddr *)&address, sizeof(address));
    umask(old_mask);
    if (result < 0)
        return error_set(error, "%s: %s", endpoint->text, strerror(errno));
    int path_fd = open_socket_file(endpoint, &status, error);
    if (path_fd < 0)
        return false;
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    bool is_set = set_owner(path_fd, endpoint, ownership, error);
    close(path_fd);
    if (is_set && listen(listener->fd, LISTEN_SOCKET_BACKLOG) < 0)
        is_set = error_set(error, "%s: listen: %s", endpoint->text, strerror(errno));
    return is_set;
}

static bool open_unix(const struct endpoint *endpoint, const struct socket_settings *settings,
                      struct listen_socket *listener, struct error *error)
{
    struct ownership ownership;
    if (!find_ownership(settings, &ownership, error))
        return false;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return error_set(error, "%s: socket: %s", endpoint->text, strerror(errno));
    if (bind_unix(endpoint, &ownership, listener, error))
        return true;
    listen_socket_close(listener, endpoint);
    return false;
}

static int bind_inet(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (address->ai_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd, LISTEN_SOCKET_BACKLOG) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

static bool open_inet(const struct endpoint *endpoint, struct listen_socket *listener,
                      struct error *error)
{
    struct addrinfo *list;
    if (inet_addresses(endpoint, AI_PASSIVE, &list, error) != 0)
        return false;
    for (struct addrinfo *item = list; item && listener->fd < 0; item = item->ai_next)
        listener->fd = bind_inet(item);
    int saved_errno = errno;
    freeaddrinfo(list);
    return listener->fd >= 0 ||
           error_set(error, "%s: %s", endpoint->text, strerror(saved_errno));
}

bool listen_socket_open(const struct endpoint *endpoint, const struct socket_settings *settings,
                        struct listen_socket *listener_r, struct error *error)
{
    *listener_r = (struct listen_socket){.fd = -1};
    if (endpoint->type == ENDPOINT_UNIX)
        return open_unix(endpoint, settings, listener_r, error);
    if (endpoint->type == ENDPOINT_INET)
        return open_inet(endpoint, listener_r, error);
    return error_set(error, "no address to listen on");
}

void listen_socket_close(struct listen_socket *listener, const struct endpoint *endpoint)
{
    struct stat status;
    if (listener->fd < 0)
        return;
    if (listener->inode != 0 && endpoint->type == ENDPOINT_UNIX &&
        lstat(endpoint->path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        unlink(endpoint->path);
    close(listener->fd);
    *listener = (struct listen_socket){.fd = -1};
}
