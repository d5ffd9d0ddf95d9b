#include "policyd/peer.h"

#include "common/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static unsigned peer_port(const struct sockaddr_storage *socket_address)
{
    if (socket_address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)socket_address)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_port);
}

void peer_format(int fd, char out[static PEER_TEXT_SIZE])
{
    struct sockaddr_storage socket_address = {.ss_family = AF_UNSPEC};
    struct ucred credentials = {0};
    socklen_t size = sizeof(socket_address);
    socklen_t credentials_size = sizeof(credentials);

    int result = getpeername(fd, (struct sockaddr *)&socket_address, &size);
    struct address address = address_from_sockaddr((struct sockaddr *)&socket_address);
    if (result == 0 && address.family != ADDRESS_NONE) {
        char text[ADDRESS_TEXT_SIZE];
        address_format(&address, text);
        snprintf(out, PEER_TEXT_SIZE, "%s port %u", text, peer_port(&socket_address));
    } else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) == 0) {
        snprintf(out, PEER_TEXT_SIZE, "process %ld of user %lu", (long)credentials.pid,
                 (unsigned long)credentials.uid);
    } else {
        snprintf(out, PEER_TEXT_SIZE, fd == 0 ? "standard input" : "an unknown peer");
    }
}
