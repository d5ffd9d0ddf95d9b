#include "policyd/dns_tcp.h"

#include "common/dns_message.h"
#include "common/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX_SIZE 2 /* length in front of each message */

struct dns_tcp {
    int fd;
    struct event *event;
    dns_tcp_callback *callback;
    void *context;
    uint8_t output[PREFIX_SIZE + DNS_QUERY_SIZE];
    size_t output_length, sent;
    uint8_t *input; /* DNS_MESSAGE_MAX and the prefix */
    size_t received;
};

static void on_ready(int fd, short events, void *context);

void dns_tcp_free(struct dns_tcp *tcp)
{
    if (!tcp)
        return;
    if (tcp->event)
        event_free(tcp->event);
    if (tcp->fd >= 0)
        close(tcp->fd);
    free(tcp->input);
    free(tcp);
}

struct dns_tcp *dns_tcp_ask(struct event_base *base, const struct sockaddr *server,
                            socklen_t server_length, const uint8_t *query, size_t query_length,
                            dns_tcp_callback *callback, void *context)
{
    struct dns_tcp *tcp = memory_allocate(1, sizeof(*tcp));
    tcp->callback = callback;
    tcp->context = context;
    tcp->output[0] = (uint8_t)(query_length >> 8);
    tcp->output[1] = (uint8_t)query_length;
    memcpy(tcp->output + PREFIX_SIZE, query, query_length);
    tcp->output_length = PREFIX_SIZE + query_length;
    tcp->input = memory_allocate(PREFIX_SIZE + DNS_MESSAGE_MAX, 1);
    tcp->fd = socket(server->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tcp->fd >= 0 &&
        (connect(tcp->fd, server, server_length) == 0 || errno == EINPROGRESS)) {
        tcp->event = event_new(base, tcp->fd, EV_WRITE, on_ready, tcp);
        if (tcp->event && event_add(tcp->event, NULL) == 0)
            return tcp;
    }
    dns_tcp_free(tcp);
    return NULL;
}

static void fail(struct dns_tcp *tcp)
{
    tcp->callback(tcp->context, NULL, 0);
}

static bool is_transient(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void send_query(struct dns_tcp *tcp)
{
    ssize_t sent =
        send(tcp->fd, tcp->output + tcp->sent, tcp->output_length - tcp->sent, MSG_NOSIGNAL);
    if (sent < 0 && !is_transient()) {
        fail(tcp);
        return;
    }
    if (sent > 0)
        tcp->sent += (size_t)sent;
    bool is_sent = tcp->sent == tcp->output_length;
    struct event_base *base = event_get_base(tcp->event);
    if (event_assign(tcp->event, base, tcp->fd, is_sent ? EV_READ : EV_WRITE, on_ready, tcp) !=
            0 ||
        event_add(tcp->event, NULL) != 0)
        fail(tcp);
}

static void read_answer(struct dns_tcp *tcp)
{
    size_t wanted = PREFIX_SIZE;
    if (tcp->received >= PREFIX_SIZE)
        wanted += (size_t)tcp->input[0] << 8 | tcp->input[1];
    ssize_t received = read(tcp->fd, tcp->input + tcp->received, wanted - tcp->received);
    if (received == 0 || (received < 0 && !is_transient())) {
        fail(tcp);
        return;
    }
    if (received > 0)
        tcp->received += (size_t)received;
    if (tcp->received == wanted && wanted > PREFIX_SIZE)
        tcp->callback(tcp->context, tcp->input + PREFIX_SIZE, wanted - PREFIX_SIZE);
    else if (event_add(tcp->event, NULL) != 0)
        fail(tcp);
}

static void on_ready(int fd, short events, void *context)
{
    struct dns_tcp *tcp = context;
    (void)fd;
    if (events & EV_WRITE)
        send_query(tcp);
    else
        read_answer(tcp);
}
