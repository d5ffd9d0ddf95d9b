#include "policyd/dns_resolver.h"

#include "common/memory.h"
#include "host/clock.h"
#include "policyd/dns_servers.h"
#include "policyd/dns_tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

#define TRIES              3
#define SOCKETS_PER_SERVER 8
#define IDENTIFIERS        65536
#define DATAGRAM_MAX       4096
#define READS_AT_ONCE      64 /* before others get their turn */
#define CODE_SERVER_FAILED 2

struct dns_socket {
    int fd; /* -1: not open */
    size_t server;
    struct event *event;
    struct dns_resolver *resolver;
};

struct dns_query {
    LIST_ENTRY(dns_query) link;
    struct dns_resolver *resolver;
    struct event timer;
    dns_callback *callback;
    void *context;
    uint16_t id;
    int tries;
    size_t server;
    struct dns_socket *socket; /* of the last try; NULL: none, or by TCP */
    struct dns_tcp *tcp;
    size_t length;
    uint8_t wire[DNS_QUERY_SIZE];
};

struct dns_resolver {
    struct event_base *base;
    struct dns_servers servers;
    struct timeval try_time;
    struct dns_socket sockets[DNS_SERVERS_MAX * SOCKETS_PER_SERVER];
    struct dns_query **by_id;
    LIST_HEAD(, dns_query) queries;
    struct dns_counters counters;
    uint8_t random[256]; /* taken from the end */
    size_t random_left;
};

static void on_datagram(int fd, short events, void *context);
static void on_try_over(int fd, short events, void *context);

/* -- random numbers ----------------------------------------------------------------------- */

static unsigned random_byte(struct dns_resolver *resolver)
{
    if (resolver->random_left == 0) {
        if (getrandom(resolver->random, sizeof(resolver->random), 0) !=
            (ssize_t)sizeof(resolver->random))
            arc4random_buf(resolver->random, sizeof(resolver->random));
        resolver->random_left = sizeof(resolver->random);
    }
    return resolver->random[--resolver->random_left];
}

static void mix_case(struct dns_resolver *resolver, char *name)
{
    unsigned bits = 0;
    for (size_t i = 0; name[i] != '\0'; i++, bits >>= 1) {
        if (i % 8 == 0)
            bits = random_byte(resolver);
        if ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z'))
            name[i] = (char)(bits & 1 ? name[i] | 0x20 : name[i] & ~0x20);
    }
}

static uint16_t free_identifier(struct dns_resolver *resolver)
{
    uint16_t id;
    do
        id = (uint16_t)(random_byte(resolver) << 8 | random_byte(resolver));
    while (resolver->by_id[id] || id == 0);
    return id;
}

/* -- sockets ------------------------------------------------------------------------------ */

static void close_socket(struct dns_socket *sock)
{
    if (sock->event)
        event_free(sock->event);
    if (sock->fd >= 0)
        close(sock->fd);
    sock->event = NULL;
    sock->fd = -1;
}

static bool open_socket(struct dns_resolver *resolver, struct dns_socket *sock)
{
    const struct dns_server *server = &resolver->servers.items[sock->server];
    const struct sockaddr *address = (const struct sockaddr *)&server->address;
    sock->resolver = resolver;
    sock->fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sock->fd >= 0 && connect(sock->fd, address, server->address_length) == 0) {
        sock->event =
            event_new(resolver->base, sock->fd, EV_READ | EV_PERSIST, on_datagram, sock);
        if (sock->event && event_add(sock->event, NULL) == 0)
            return true;
    }
    close_socket(sock);
    return false;
}

static struct dns_socket *pick_socket(struct dns_resolver *resolver, size_t server)
{
    size_t index = server * SOCKETS_PER_SERVER + random_byte(resolver) % SOCKETS_PER_SERVER;
    struct dns_socket *sock = &resolver->sockets[index];
    sock->server = server;
    return sock->fd >= 0 || open_socket(resolver, sock) ? sock : NULL;
}

/* -- queries ------------------------------------------------------------------------------ */

static void forget(struct dns_query *query)
{
    struct dns_resolver *resolver = query->resolver;
    evtimer_del(&query->timer);
    dns_tcp_free(query->tcp);
    LIST_REMOVE(query, link);
    resolver->by_id[query->id] = NULL;
    resolver->counters.pending--;
    free(query);
}

static void finish(struct dns_query *query, enum dns_status status,
                   const struct dns_answer *answer)
{
    struct dns_resolver *resolver = query->resolver;
    dns_callback *callback = query->callback;
    void *context = query->context;
    resolver->counters.failures += status == DNS_FAILED;
    resolver->counters.timeouts += status == DNS_TIMED_OUT;
    forget(query);
    callback(context, status, answer);
}

/* A try that cannot be sent is over at once, but from the loop. */
static void send_try(struct dns_query *query)
{
    static const struct timeval at_once = {0, 0};
    struct dns_resolver *resolver = query->resolver;
    query->tries++;
    query->socket = pick_socket(resolver, query->server);
    bool is_sent = query->socket && send(query->socket->fd, query->wire, query->length,
                                         MSG_NOSIGNAL) == (ssize_t)query->length;
    evtimer_add(&query->timer, is_sent ? &resolver->try_time : &at_once);
}

static void try_again(struct dns_query *query)
{
    struct dns_resolver *resolver = query->resolver;
    resolver->counters.retries++;
    query->server = dns_servers_next(&resolver->servers, query->server);
    send_try(query);
}

static void on_try_over(int fd, short events, void *context)
{
    struct dns_query *query = context;
    struct dns_resolver *resolver = query->resolver;
    (void)fd;
    (void)events;
    if (!query->tcp)
        dns_servers_note_silence(&resolver->servers, query->server, clock_monotonic_ms());
    if (query->tcp || query->tries == TRIES)
        finish(query, DNS_TIMED_OUT, NULL);
    else
        try_again(query);
}

/* Where there is another name server, it may know more than one that failed. */
static void take_answer(struct dns_query *query, const struct dns_answer *answer)
{
    bool has_failed = answer->code != DNS_CODE_NONE && answer->code != DNS_CODE_NO_NAME;
    if (has_failed && answer->code == CODE_SERVER_FAILED && !query->tcp &&
        query->resolver->servers.count > 1 && query->tries < TRIES) {
        evtimer_del(&query->timer);
        try_again(query);
        return;
    }
    finish(query, has_failed ? DNS_FAILED : DNS_ANSWERED, answer);
}

static void on_tcp_answer(void *context, const uint8_t *message, size_t length)
{
    struct dns_query *query = context;
    struct dns_answer answer;
    if (message && dns_answer_parse(message, length, query->wire, query->length, &answer) &&
        !answer.is_truncated)
        take_answer(query, &answer);
    else
        finish(query, DNS_FAILED, NULL);
}

static void ask_by_tcp(struct dns_query *query)
{
    struct dns_resolver *resolver = query->resolver;
    const struct dns_server *server = &resolver->servers.items[query->server];
    resolver->counters.tcp++;
    query->socket = NULL;
    query->tcp =
        dns_tcp_ask(resolver->base, (const struct sockaddr *)&server->address,
                    server->address_length, query->wire, query->length, on_tcp_answer, query);
    if (query->tcp)
        evtimer_add(&query->timer, &resolver->try_time);
    else
        finish(query, DNS_FAILED, NULL);
}

static void take_datagram(struct dns_socket *sock, const uint8_t *message, size_t length)
{
    struct dns_resolver *resolver = sock->resolver;
    struct dns_query *query = resolver->by_id[dns_message_id(message, length)];
    struct dns_answer answer;
    if (!query || query->socket != sock ||
        !dns_answer_parse(message, length, query->wire, query->length, &answer)) {
        resolver->counters.strange++;
        return;
    }
    dns_servers_note_answer(&resolver->servers, sock->server);
    if (answer.is_truncated)
        ask_by_tcp(query);
    else
        take_answer(query, &answer);
}

/* Nobody listens at the server's port: who asked there need not wait. */
static void hurry_queries(struct dns_socket *sock)
{
    static const struct timeval at_once = {0, 0};
    struct dns_query *query;
    LIST_FOREACH(query, &sock->resolver->queries, link)
    if (query->socket == sock)
        evtimer_add(&query->timer, &at_once);
}

static void on_datagram(int fd, short events, void *context)
{
    struct dns_socket *sock = context;
    uint8_t message[DATAGRAM_MAX];
    (void)events;
    for (int reads = 0; reads < READS_AT_ONCE && sock->fd == fd; reads++) {
        ssize_t length = recv(fd, message, sizeof(message), 0);
        if (length >= 0) {
            take_datagram(sock, message, (size_t)length);
        } else if (errno != EINTR) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                hurry_queries(sock);
            return;
        }
    }
}

/* -- for everybody ------------------------------------------------------------------------ */

struct dns_resolver *dns_resolver_create(struct event_base *base,
                                         const struct endpoint_list *servers,
                                         const char *resolv_conf, int64_t timeout_ms)
{
    struct dns_resolver *resolver = memory_allocate(1, sizeof(*resolver));
    int64_t try_ms = timeout_ms / TRIES + 1;
    resolver->base = base;
    resolver->try_time = (struct timeval){try_ms / 1000, try_ms % 1000 * 1000};
    resolver->by_id = memory_allocate(IDENTIFIERS, sizeof(struct dns_query *));
    LIST_INIT(&resolver->queries);
    for (size_t i = 0; i < sizeof(resolver->sockets) / sizeof(resolver->sockets[0]); i++)
        resolver->sockets[i].fd = -1;
    dns_servers_init(&resolver->servers, servers, resolv_conf);
    return resolver;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
    if (!resolver)
        return;
    while (!LIST_EMPTY(&resolver->queries))
        forget(LIST_FIRST(&resolver->queries));
    for (size_t i = 0; i < sizeof(resolver->sockets) / sizeof(resolver->sockets[0]); i++)
        close_socket(&resolver->sockets[i]);
    free(resolver->by_id);
    free(resolver);
}

struct dns_query *dns_resolver_ask(struct dns_resolver *resolver, const char *name,
                                   enum dns_type type, dns_callback *callback, void *context)
{
    char mixed[DNS_QUERY_SIZE];
    if (resolver->counters.pending >= DNS_QUERIES_MAX || resolver->servers.count == 0 ||
        !slice_copy_string(slice_from_string(name), mixed, sizeof(mixed))) {
        resolver->counters.refused++;
        return NULL;
    }
    mix_case(resolver, mixed);
    struct dns_query *query = memory_allocate(1, sizeof(*query));
    query->id = free_identifier(resolver);
    query->length = dns_query_build(query->id, slice_from_string(mixed), type, query->wire);
    if (query->length == 0) {
        free(query);
        resolver->counters.refused++;
        return NULL;
    }
    query->resolver = resolver;
    query->callback = callback;
    query->context = context;
    query->server = dns_servers_pick(&resolver->servers, clock_monotonic_ms());
    evtimer_assign(&query->timer, resolver->base, on_try_over, query);
    LIST_INSERT_HEAD(&resolver->queries, query, link);
    resolver->by_id[query->id] = query;
    resolver->counters.pending++;
    resolver->counters.queries++;
    send_try(query);
    return query;
}

void dns_resolver_cancel(struct dns_query *query)
{
    forget(query);
}

struct dns_counters dns_resolver_counters(const struct dns_resolver *resolver)
{
    return resolver->counters;
}
