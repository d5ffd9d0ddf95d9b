#include "t/bench/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "t/bench/policy_text.h"

#define ANSWER_MAX 1024
#define EVENTS_MAX 512
#define WAIT_MS    100

struct load_connection {
    int fd;
    uint32_t answer_size; /* nearly always 0: answers come whole */
    uint64_t sent_ns;
    char answer[ANSWER_MAX];
};

struct load {
    const struct load_options *options;
    struct load_result *result;
    struct load_connection *connections;
    uint32_t open_count;
    int epoll_fd;
    uint64_t serial;     /* requests sent */
    uint32_t client;     /* the next one's */
    uint64_t started_ns; /* of the present phase */
    uint64_t last_answer_ns;
    uint64_t cpu_started_ns;
    bool is_warming_up;
    bool is_done;
    struct policy_text text;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void drop(struct load *load, struct load_connection *connection)
{
    load->result->errors++;
    (void)close(connection->fd);
    connection->fd = -1;
    load->open_count--;
}

/* The socket buffer is empty at this point, so a short write is the server's fault. */
static void send_request(struct load *load, struct load_connection *connection, uint64_t now_ns)
{
    policy_text_set(&load->text, load->options->first_client + load->client, load->serial++);
    if (++load->client == load->options->clients) {
        load->client = 0;
    }
    connection->sent_ns = now_ns;
    connection->answer_size = 0;
    ssize_t wrote = send(connection->fd, load->text.bytes, load->text.size, MSG_NOSIGNAL);
    if (wrote != (ssize_t)load->text.size) {
        drop(load, connection);
    }
}

static void begin_counting(struct load *load, uint64_t now_ns)
{
    load->result->warmup_count = load->result->latency.count;
    histogram_reset(&load->result->latency);
    load->result->errors = 0;
    load->result->other_answers = 0;
    load->is_warming_up = false;
    load->started_ns = now_ns;
    load->cpu_started_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void check_phase(struct load *load, uint64_t now_ns)
{
    uint64_t elapsed_ms = (now_ns - load->started_ns) / 1000000U;
    uint64_t count = load->result->latency.count;

    if (load->is_warming_up) {
        if (count >= load->options->warmup_requests || elapsed_ms >= load->options->warmup_ms) {
            begin_counting(load, now_ns);
        }
    } else if (elapsed_ms >= load->options->duration_ms ||
               (load->options->requests > 0 && count >= load->options->requests)) {
        load->is_done = true;
    }
}

static void take_answer(struct load *load, struct load_connection *connection, uint64_t now_ns)
{
    static const char dunno[] = "action=DUNNO\n\n";
    struct load_result *result = load->result;
    size_t size = connection->answer_size;

    histogram_add(&result->latency, now_ns - connection->sent_ns);
    load->last_answer_ns = now_ns;
    if (size == sizeof dunno - 1 && memcmp(connection->answer, dunno, size) == 0) {
        return;
    }
    result->other_answers++;
    if (result->first_other[0] == '\0') {
        size_t copy =
            size - 2 < sizeof result->first_other ? size - 2 : sizeof result->first_other - 1;
        memcpy(result->first_other, connection->answer, copy);
    }
}

static void receive(struct load *load, struct load_connection *connection)
{
    ssize_t got = read(connection->fd, connection->answer + connection->answer_size,
                       ANSWER_MAX - connection->answer_size);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        drop(load, connection);
        return;
    }
    connection->answer_size += (uint32_t)got;
    const char *end = memmem(connection->answer, connection->answer_size, "\n\n", 2);
    if (end == NULL && connection->answer_size < ANSWER_MAX) {
        return;
    }
    if (end != connection->answer + connection->answer_size - 2 ||
        memcmp(connection->answer, "action=", 7) != 0) {
        drop(load, connection);
        return;
    }
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    take_answer(load, connection, now_ns);
    check_phase(load, now_ns);
    if (!load->is_done) {
        send_request(load, connection, now_ns);
    }
}

static void open_connections(struct load *load)
{
    uint32_t count = load->options->connections;

    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->connections = calloc(count, sizeof *load->connections);
    if (load->epoll_fd < 0 || load->connections == NULL) {
        bench_die("epoll or memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct load_connection *connection = &load->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        connection->fd = bench_socket_connect(&load->options->address);
        bench_socket_nonblocking(connection->fd);
        if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
            bench_die("epoll_ctl");
        }
    }
    load->open_count = count;
}

static void wait_and_receive(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll_fd, events, EVENTS_MAX, WAIT_MS);

    for (int i = 0; i < count && !load->is_done; i++) {
        receive(load, events[i].data.ptr);
    }
    if (count == 0) {
        uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        check_phase(load, now_ns);
        if (now_ns - load->last_answer_ns > (uint64_t)LOAD_STALL_MS * 1000000U) {
            load->result->is_stalled = true;
            load->is_done = true;
        }
    }
}

void load_run(const struct load_options *options, struct load_result *result)
{
    struct load load = {.options = options, .result = result, .is_warming_up = true};

    memset(result, 0, sizeof *result);
    policy_text_init(&load.text, options->protocol_state, options->server_port);
    open_connections(&load);
    load.started_ns = load.last_answer_ns = clock_ns(CLOCK_MONOTONIC);
    check_phase(&load, load.started_ns);
    for (uint32_t i = 0; i < options->connections; i++) {
        send_request(&load, &load.connections[i], clock_ns(CLOCK_MONOTONIC));
    }
    while (!load.is_done && load.open_count > 0) {
        wait_and_receive(&load);
    }
    if (load.is_warming_up) {
        histogram_reset(&result->latency);
    } else {
        result->elapsed_ns = clock_ns(CLOCK_MONOTONIC) - load.started_ns;
        result->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - load.cpu_started_ns;
    }
    for (uint32_t i = 0; i < options->connections; i++) {
        if (load.connections[i].fd >= 0) {
            (void)close(load.connections[i].fd);
        }
    }
    free(load.connections);
    (void)close(load.epoll_fd);
}
