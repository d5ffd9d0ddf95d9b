#include "policyd/dns_resolver.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"

#include <ares.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SERVERS_MAX        8
#define SERVERS_TEXT_SIZE  (SERVERS_MAX * (INET6_ADDRSTRLEN + sizeof("[]:65535,")))
#define LANES              4 /* for each server, besides the one for TCP */
#define LANE_TCP           LANES
#define TRIES              2
#define TRY_UNITS          3     /* c-ares waits twice as long for the second try */
#define TICK_US            20000 /* how late a try may be over */
#define SILENT_MAX         8     /* queries in a row that the first server did not answer */
#define GIVEN_ANOTHER_MS   60000 /* the configured order counts again after this */
#define CODE_SERVER_FAILED 2

/* A channel of c-ares: it has one socket for each server while queries are on their way. */
struct lane {
    struct dns_resolver *resolver;
    ares_channel channel; /* NULL: not open */
    LIST_HEAD(, dns_socket) sockets;
};

struct dns_socket {
    LIST_ENTRY(dns_socket) link;
    int fd;
    struct event *event;
};

struct dns_query {
    LIST_ENTRY(dns_query) link;
    struct dns_resolver *resolver;
    dns_callback *callback; /* NULL: cancelled */
    void *context;
    int64_t asked_ms;
    size_t server;       /* asked first */
    size_t servers_left; /* that may be asked where this one says that it failed */
    bool is_by_tcp, is_being_sent;
    struct event failed; /* could not even be sent */
    size_t length;
    uint8_t wire[DNS_QUERY_SIZE];
};

struct dns_resolver {
    struct event_base *base;
    const struct endpoint_list *configured;
    int64_t timeout_ms;
    struct event tick; /* while queries are on their way */
    LIST_HEAD(, dns_query) queries;
    size_t pending;
    struct ares_addr_port_node servers[SERVERS_MAX];
    size_t server_count;
    size_t first; /* server to be asked first */
    int silent;
    int64_t moved_ms;                          /* when another one became the first */
    struct lane lanes[SERVERS_MAX][LANES + 1]; /* by the server that is asked first */
};

static void on_answer(void *context, int status, int timeouts, unsigned char *message,
                      int length);

/* -- sockets ------------------------------------------------------------------------------ */

static void on_ready(int fd, short events, void *context)
{
    struct lane *lane = context;
    ares_process_fd(lane->channel, events & EV_READ ? fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

static void forget_socket(struct dns_socket *sock)
{
    LIST_REMOVE(sock, link);
    if (sock->event)
        event_free(sock->event);
    free(sock);
}

/* c-ares wants to know of these events of the socket, of none when it is about to close it. */
static void on_socket(void *context, ares_socket_t fd, int is_readable, int is_writable)
{
    struct lane *lane = context;
    int events = (is_readable ? EV_READ : 0) | (is_writable ? EV_WRITE : 0);
    struct dns_socket *sock = LIST_FIRST(&lane->sockets);
    while (sock && sock->fd != fd)
        sock = LIST_NEXT(sock, link);
    if (sock)
        forget_socket(sock);
    if (events == 0)
        return;
    sock = memory_allocate(1, sizeof(*sock));
    sock->fd = fd;
    sock->event =
        event_new(lane->resolver->base, fd, (short)(events | EV_PERSIST), on_ready, lane);
    if (sock->event)
        event_add(sock->event, NULL);
    LIST_INSERT_HEAD(&lane->sockets, sock, link);
}

/* Tries that are over. ares_timeout() would tell when, but looks at each query every time. */
static void on_tick(int fd, short events, void *context)
{
    static const struct timeval interval = {0, TICK_US};
    struct dns_resolver *resolver = context;
    (void)fd;
    (void)events;
    for (size_t server = 0; server < resolver->server_count; server++)
        for (size_t i = 0; i <= LANE_TCP; i++)
            if (resolver->lanes[server][i].channel)
                ares_process_fd(resolver->lanes[server][i].channel, ARES_SOCKET_BAD,
                                ARES_SOCKET_BAD);
    if (resolver->pending > 0)
        evtimer_add(&resolver->tick, &interval);
}

/* -- name servers ------------------------------------------------------------------------- */

/* "192.0.2.1:53,[2001:db8::1]:53" */
static void format_configured(const struct endpoint_list *endpoints,
                              char text[static SERVERS_TEXT_SIZE])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < endpoints->count && i < SERVERS_MAX; i++) {
        const struct endpoint *endpoint = &endpoints->items[i];
        bool is_ipv6 = strchr(endpoint->host, ':') != NULL;
        int added = snprintf(text + length, SERVERS_TEXT_SIZE - length, "%s%s%s%s:%u",
                             length > 0 ? "," : "", is_ipv6 ? "[" : "", endpoint->host,
                             is_ipv6 ? "]" : "", (unsigned)endpoint->port);
        if (added > 0 && (size_t)added < SERVERS_TEXT_SIZE - length)
            length += (size_t)added;
    }
}

/* c-ares has read resolv.conf when the channel is there. */
static void take_servers(struct dns_resolver *resolver, ares_channel channel)
{
    char configured[SERVERS_TEXT_SIZE];
    struct ares_addr_port_node *servers = NULL;
    format_configured(resolver->configured, configured);
    if (resolver->configured->count > 0 &&
        ares_set_servers_ports_csv(channel, configured) != ARES_SUCCESS)
        log_warning("policyd: name servers are not understood: %s", configured);
    else if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS)
        for (const struct ares_addr_port_node *node = servers;
             node && resolver->server_count < SERVERS_MAX; node = node->next)
            resolver->servers[resolver->server_count++] = *node;
    if (servers)
        ares_free_data(servers);
}

/* The servers in their order, from this one on. */
static bool set_order(const struct dns_resolver *resolver, ares_channel channel, size_t first)
{
    struct ares_addr_port_node nodes[SERVERS_MAX];
    for (size_t i = 0; i < resolver->server_count; i++) {
        nodes[i] = resolver->servers[(first + i) % resolver->server_count];
        nodes[i].next = i + 1 < resolver->server_count ? &nodes[i + 1] : NULL;
    }
    return ares_set_servers_ports(channel, nodes) == ARES_SUCCESS;
}

static ares_channel open_channel(struct dns_resolver *resolver, struct lane *lane, bool is_tcp)
{
    size_t tries = TRY_UNITS * (resolver->server_count ? resolver->server_count : 1);
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
                 (is_tcp ? ARES_FLAG_USEVC : 0),
        .timeout = (int)(resolver->timeout_ms / (int64_t)tries) + 1,
        .tries = TRIES,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = lane,
    };
    ares_channel channel = NULL;
    ares_init_options(&channel, &options,
                      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NOROTATE |
                          ARES_OPT_SOCK_STATE_CB);
    return channel;
}

static void find_servers(struct dns_resolver *resolver)
{
    ares_channel channel = open_channel(resolver, NULL, false);
    if (!channel)
        return;
    take_servers(resolver, channel);
    ares_destroy(channel);
}

/* NULL: there is no memory for it. */
static struct lane *pick_lane(struct dns_resolver *resolver, size_t server, bool is_by_tcp)
{
    size_t index = is_by_tcp ? LANE_TCP : arc4random_uniform(LANES);
    struct lane *lane = &resolver->lanes[server][index];
    if (lane->channel)
        return lane;
    lane->resolver = resolver;
    lane->channel = open_channel(resolver, lane, is_by_tcp);
    if (lane->channel && !set_order(resolver, lane->channel, server)) {
        ares_destroy(lane->channel);
        lane->channel = NULL;
    }
    return lane->channel ? lane : NULL;
}

static size_t pick_first(struct dns_resolver *resolver)
{
    if (resolver->first != 0 && clock_monotonic_ms() - resolver->moved_ms >= GIVEN_ANOTHER_MS) {
        resolver->first = 0;
        resolver->silent = 0;
    }
    return resolver->first;
}

/* A slow list looks like a silent server, but not in a row with all the others. */
static void note_silence(struct dns_resolver *resolver, size_t server, bool is_silent)
{
    if (server != resolver->first || resolver->server_count < 2)
        return;
    resolver->silent = is_silent ? resolver->silent + 1 : 0;
    if (resolver->silent < SILENT_MAX)
        return;
    resolver->first = (server + 1) % resolver->server_count;
    resolver->silent = 0;
    resolver->moved_ms = clock_monotonic_ms();
    log_warning("policyd: name server number %zu does not answer: number %zu is asked first",
                server + 1, resolver->first + 1);
}

/* -- queries ------------------------------------------------------------------------------ */

static void count_answer(const struct dns_query *query, enum dns_status status)
{
    enum lookup lookup = status == DNS_ANSWERED ? LOOKUP_ANSWERED
                         : status == DNS_FAILED ? LOOKUP_FAILED
                                                : LOOKUP_TIMED_OUT;
    COUNT(DNS_QUERIES, lookup);
    if (status == DNS_ANSWERED)
        OBSERVE(DNS_LATENCY, clock_monotonic_ms() - query->asked_ms);
}

static void finish(struct dns_query *query, enum dns_status status,
                   const struct dns_answer *answer)
{
    dns_callback *callback = query->callback;
    void *context = query->context;
    evtimer_del(&query->failed);
    LIST_REMOVE(query, link);
    query->resolver->pending--;
    if (callback)
        count_answer(query, status);
    free(query);
    if (callback)
        callback(context, status, answer);
}

static void on_failed(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    finish(context, DNS_FAILED, NULL);
}

static void send_query(struct dns_query *query)
{
    struct lane *lane = pick_lane(query->resolver, query->server, query->is_by_tcp);
    query->is_being_sent = true;
    if (lane)
        ares_send(lane->channel, query->wire, (int)query->length, on_answer, query);
    else
        on_answer(query, ARES_ENOMEM, 0, NULL, 0);
    query->is_being_sent = false;
}

/* Nobody can forge that, so the name goes in lower case, and servers that do not repeat the
 * case are understood. */
static void send_by_tcp(struct dns_query *query)
{
    query->is_by_tcp = true;
    dns_query_lower_case(query->wire, query->length);
    send_query(query);
}

/* Where there is another name server, it may know more than one that failed. */
static void send_to_next(struct dns_query *query)
{
    query->servers_left--;
    query->server = (query->server + 1) % query->resolver->server_count;
    send_query(query);
}

static void take_answer(struct dns_query *query, const uint8_t *message, size_t length)
{
    struct dns_answer answer;
    if (!dns_answer_parse(message, length, query->wire, query->length, &answer) ||
        answer.is_truncated) {
        if (query->is_by_tcp)
            finish(query, DNS_FAILED, NULL);
        else
            send_by_tcp(query);
    } else if (answer.code == CODE_SERVER_FAILED && query->servers_left > 0) {
        send_to_next(query);
    } else {
        bool is_answered = answer.code == DNS_CODE_NONE || answer.code == DNS_CODE_NO_NAME;
        finish(query, is_answered ? DNS_ANSWERED : DNS_FAILED, &answer);
    }
}

static void on_answer(void *context, int status, int timeouts, unsigned char *message,
                      int length)
{
    static const struct timeval at_once = {0, 0};
    struct dns_query *query = context;
    if (query->is_being_sent) {
        evtimer_add(&query->failed, &at_once);
        return;
    }
    if (!query->callback || status == ARES_EDESTRUCTION) {
        query->callback = NULL;
        finish(query, DNS_FAILED, NULL);
        return;
    }
    note_silence(query->resolver, query->server, timeouts > 0);
    COUNT_ADD(DNS_RETRIES, (uint64_t)timeouts);
    if (status == ARES_SUCCESS)
        take_answer(query, message, (size_t)length);
    else
        finish(query, status == ARES_ETIMEOUT ? DNS_TIMED_OUT : DNS_FAILED, NULL);
}

/* -- for everybody ------------------------------------------------------------------------ */

struct dns_resolver *dns_resolver_create(struct event_base *base,
                                         const struct endpoint_list *servers,
                                         int64_t timeout_ms)
{
    struct dns_resolver *resolver = memory_allocate(1, sizeof(*resolver));
    resolver->base = base;
    resolver->configured = servers;
    resolver->timeout_ms = timeout_ms;
    evtimer_assign(&resolver->tick, base, on_tick, resolver);
    return resolver;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
    struct dns_query *query;
    if (!resolver)
        return;
    for (size_t server = 0; server < resolver->server_count; server++)
        for (size_t i = 0; i <= LANE_TCP; i++)
            if (resolver->lanes[server][i].channel)
                ares_destroy(resolver->lanes[server][i].channel);
    while ((query = LIST_FIRST(&resolver->queries))) { /* could not be sent */
        query->callback = NULL;
        finish(query, DNS_FAILED, NULL);
    }
    evtimer_del(&resolver->tick);
    free(resolver);
}

static void mix_case(char *name)
{
    uint8_t bits[DNS_QUERY_SIZE / 8];
    arc4random_buf(bits, sizeof(bits));
    for (size_t i = 0; name[i] != '\0'; i++)
        if ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z'))
            name[i] = (char)(bits[i / 8] >> i % 8 & 1 ? name[i] | 0x20 : name[i] & ~0x20);
}

struct dns_query *dns_resolver_ask(struct dns_resolver *resolver, const char *name,
                                   enum dns_type type, dns_callback *callback, void *context)
{
    static const struct timeval interval = {0, TICK_US};
    char mixed[DNS_QUERY_SIZE];
    if (resolver->server_count == 0)
        find_servers(resolver);
    if (resolver->pending >= DNS_QUERIES_MAX || resolver->server_count == 0 ||
        !slice_copy_string(slice_from_string(name), mixed, sizeof(mixed))) {
        COUNT(DNS_QUERIES, LOOKUP_NOT_ASKED);
        return NULL;
    }
    mix_case(mixed);
    struct dns_query *query = memory_allocate(1, sizeof(*query));
    query->length =
        dns_query_build((uint16_t)arc4random(), slice_from_string(mixed), type, query->wire);
    if (query->length == 0) {
        free(query);
        return NULL;
    }
    query->resolver = resolver;
    query->callback = callback;
    query->context = context;
    query->asked_ms = clock_monotonic_ms();
    query->server = pick_first(resolver);
    query->servers_left = resolver->server_count - 1;
    evtimer_assign(&query->failed, resolver->base, on_failed, query);
    LIST_INSERT_HEAD(&resolver->queries, query, link);
    if (resolver->pending++ == 0)
        evtimer_add(&resolver->tick, &interval);
    send_query(query);
    return query;
}

void dns_resolver_cancel(struct dns_query *query)
{
    query->callback = NULL;
}
