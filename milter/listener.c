#include "milter/listener.h"

#include "common/memory.h"
#include "host/listen_socket.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTION_SIZE 320
/* Longer than any session is without an event: a large message, sent slowly, has none between
 * DATA and its end. */
#define TIMEOUT_S 7200

static char *socket_path; /* NULL: not a unix socket */
static struct stat socket_status;

/* "unix:/path", "inet:port@host" or "inet6:port@[address]", see smfi_setconn. */
static void format_connection(const struct endpoint *endpoint, char *out, size_t size)
{
    struct in6_addr unused;
    if (endpoint->type == ENDPOINT_UNIX)
        snprintf(out, size, "unix:%s", endpoint->path);
    else if (inet_pton(AF_INET6, endpoint->host, &unused) == 1)
        snprintf(out, size, "inet6:%u@[%s]", (unsigned)endpoint->port, endpoint->host);
    else
        snprintf(out, size, "inet:%u@%s", (unsigned)endpoint->port, endpoint->host);
}

bool listener_open(const struct milter_settings *settings, struct error *error)
{
    const struct endpoint *endpoint = &settings->listen;
    char connection[CONNECTION_SIZE];
    if (!listen_socket_prepare_path(endpoint, error))
        return false;

    format_connection(endpoint, connection, sizeof(connection));
    bool is_unix = endpoint->type == ENDPOINT_UNIX;
    /* Nobody connects before owner and mode are right. */
    mode_t mask = is_unix ? umask(0177) : 0;
    bool is_open = smfi_setconn(connection) == MI_SUCCESS &&
                   smfi_setbacklog(LISTEN_SOCKET_BACKLOG) == MI_SUCCESS &&
                   smfi_settimeout(TIMEOUT_S) == MI_SUCCESS &&
                   smfi_opensocket(false) == MI_SUCCESS;
    if (is_unix)
        umask(mask);
    if (!is_open)
        return error_set(error,
                         "milter.listen: cannot listen on %s: libmilter says why in syslog",
                         endpoint->text);
    if (!is_unix)
        return true;
    socket_path = memory_copy_string(endpoint->path);
    return listen_socket_set_owner(endpoint, &settings->socket, error) &&
           (stat(socket_path, &socket_status) == 0 ||
            error_set(error, "milter.listen: %s vanished", socket_path));
}

void listener_serve(void)
{
    smfi_main();
}

void listener_remove_file(void)
{
    struct stat status;
    if (socket_path && stat(socket_path, &status) == 0 &&
        status.st_dev == socket_status.st_dev && status.st_ino == socket_status.st_ino)
        unlink(socket_path);
}
