#include "policyd/connection.h"

#include "common/buffer.h"
#include "common/escape.h"
#include "common/memory.h"
#include "common/policy_reply.h"
#include "common/policy_request.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/gather.h"
#include "policyd/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTBOX_SIZE    2048
#define EXCERPT_LENGTH 40
#define EXCERPT_SIZE   (4 * EXCERPT_LENGTH + 1)

/* What a connection keeps from one turn of the loop to another. */
struct connection_backlog {
    struct buffer input;           /* not parsed, or only in part */
    struct policy_request request; /* of the first request in input */
    struct buffer output;
};

/* The work on the bytes that are there now. The bytes are in the set's read buffer or in the
 * backlog. */
struct turn {
    struct connection *connection;
    const char *data;
    size_t length, used;
    struct policy_request *request;
    int64_t now_ms;
    size_t outbox_length;
    char outbox[OUTBOX_SIZE]; /* replies, to be written together */
};

static void on_event(int fd, short events, void *context);
static void on_verdict(void *context, const struct verdict *verdict);

static struct connection_backlog *get_backlog(struct connection *connection)
{
    if (!connection->backlog) {
        connection->backlog = memory_allocate(1, sizeof(*connection->backlog));
        connection->backlog->input = BUFFER_WITH_MAXIMUM(POLICY_REQUEST_MAX);
        connection->backlog->output = BUFFER_WITH_MAXIMUM(OUTBOX_SIZE);
        policy_request_init(&connection->backlog->request);
    }
    return connection->backlog;
}

static void drop_backlog(struct connection *connection)
{
    if (!connection->backlog)
        return;
    buffer_free(&connection->backlog->input);
    buffer_free(&connection->backlog->output);
    free(connection->backlog);
    connection->backlog = NULL;
}

static void unwatch(struct connection *connection)
{
    if (connection->is_watching)
        event_del(&connection->event);
    connection->is_watching = false;
}

static bool watch(struct connection *connection, short events)
{
    int fd = events & EV_WRITE ? connection->write_fd : connection->read_fd;
    unwatch(connection);
    if (event_assign(&connection->event, connection->set->base, fd,
                     (short)(events | EV_PERSIST), on_event, connection) != 0 ||
        event_add(&connection->event, NULL) != 0)
        return false;
    connection->is_watching = true;
    return true;
}

struct connection *connection_open(struct connection_set *set, int read_fd, int write_fd)
{
    struct connection *connection = memory_allocate(1, sizeof(*connection));
    connection->set = set;
    connection->read_fd = read_fd;
    connection->write_fd = write_fd;
    connection_set_add(set, connection, clock_monotonic_ms());
    if (watch(connection, EV_READ))
        return connection;
    connection_log_problem(connection, "it cannot be watched");
    connection_close(connection);
    return NULL;
}

void connection_close(struct connection *connection)
{
    if (connection->pending)
        gather_cancel(connection->pending);
    gather_end_session(connection->set->gather, &connection->session);
    unwatch(connection);
    close(connection->read_fd);
    if (connection->write_fd != connection->read_fd)
        close(connection->write_fd);
    drop_backlog(connection);
    connection_set_remove(connection->set, connection);
    free(connection);
}

void connection_log_problem(const struct connection *connection, const char *problem)
{
    char peer[PEER_TEXT_SIZE];
    peer_format(connection->read_fd, peer);
    log_warning("policyd: connection of %s closed: %s", peer, problem);
}

static void log_invalid(const struct turn *turn)
{
    const struct policy_request *request = turn->request;
    char excerpt[EXCERPT_SIZE], problem[EXCERPT_SIZE + 128];
    size_t start = turn->used + request->line;
    size_t length = turn->length - start;
    struct slice text = {turn->data + start, length < EXCERPT_LENGTH ? length : EXCERPT_LENGTH};

    escape_text(text, excerpt, sizeof(excerpt));
    snprintf(problem, sizeof(problem), "not a policy request: %s: %s", request->problem,
             excerpt);
    connection_log_problem(turn->connection, problem);
}

/* Keeps what the client does not take now. False: it is gone. */
static bool send_bytes(struct connection *connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(connection->write_fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return buffer_append(&get_backlog(connection)->output, bytes, length);
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static bool is_blocked(const struct connection *connection)
{
    return connection->backlog && connection->backlog->output.length > 0;
}

static bool flush_outbox(struct turn *turn)
{
    size_t length = turn->outbox_length;
    turn->outbox_length = 0;
    return send_bytes(turn->connection, turn->outbox, length);
}

static void decide_request(struct turn *turn)
{
    struct connection *connection = turn->connection;
    struct verdict verdict;
    if (gather_verdict(connection->set->gather, turn->request, &connection->session,
                       turn->now_ms, on_verdict, connection, &verdict,
                       &connection->pending) == GATHER_READY) {
        COUNT(REQUESTS, COUNTED_POLICY);
        turn->outbox_length +=
            policy_reply_format(&verdict, turn->outbox + turn->outbox_length);
    }
}

/* Parses and answers until the bytes are used up, or something has to be waited for. False: the
 * client is gone, or turn->request says what is wrong with it. */
static bool answer_requests(struct turn *turn, struct policy_request *fresh)
{
    while (turn->used < turn->length && !turn->connection->pending) {
        enum policy_parse parse = policy_request_parse(turn->request, turn->data + turn->used,
                                                       turn->length - turn->used);
        if (parse != POLICY_PARSE_DONE)
            return parse == POLICY_PARSE_MORE;
        decide_request(turn);
        turn->used += turn->request->length;
        turn->request = fresh;
        policy_request_init(fresh);
        if (turn->outbox_length + POLICY_REPLY_SIZE > OUTBOX_SIZE && !flush_outbox(turn))
            return false;
        if (is_blocked(turn->connection))
            break;
    }
    return true;
}

/* The bytes not used yet, and how far their parsing has come, for the next turn. */
static void keep_rest(const struct turn *turn)
{
    size_t rest = turn->length - turn->used;
    if (rest == 0 && !turn->connection->backlog)
        return;
    struct connection_backlog *backlog = get_backlog(turn->connection);
    if (turn->data == backlog->input.data)
        buffer_consume(&backlog->input, turn->used);
    else /* what is kept is never more than what is read at once */
        buffer_append(&backlog->input, turn->data + turn->used, rest);
    if (turn->request != &backlog->request)
        backlog->request = *turn->request;
}

/* Where the connection stands now, and what it waits for. False: it can't go on. */
static bool settle(struct connection *connection, bool has_progressed, int64_t now_ms)
{
    enum connection_state state = CONNECTION_IDLE;
    if (connection->pending)
        state = CONNECTION_DECIDING;
    else if (is_blocked(connection))
        state = CONNECTION_SENDING;
    else if (connection->backlog && connection->backlog->input.length > 0)
        state = CONNECTION_RECEIVING;
    else
        drop_backlog(connection);
    if (has_progressed || state != connection->state)
        connection_set_move(connection->set, connection, state, now_ms);

    if (state == CONNECTION_DECIDING)
        return true; /* reading pauses once there is something to read */
    if (state == CONNECTION_SENDING)
        return watch(connection, EV_WRITE);
    if (connection->set->is_draining)
        return false;
    return connection->is_watching || watch(connection, EV_READ);
}

/* data: the set's read buffer, or all of the backlog's input. */
static void process(struct connection *connection, const char *data, size_t length)
{
    struct policy_request fresh;
    struct turn turn;

    turn.connection = connection;
    turn.data = data;
    turn.length = length;
    turn.used = 0;
    turn.outbox_length = 0;
    turn.now_ms = clock_monotonic_ms();
    if (connection->state == CONNECTION_RECEIVING) {
        turn.request = &connection->backlog->request;
    } else {
        turn.request = &fresh;
        policy_request_init(&fresh);
    }
    bool is_good = answer_requests(&turn, &fresh);
    if (turn.request->problem) {
        COUNT(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_INVALID);
        log_invalid(&turn);
    }
    if (!flush_outbox(&turn) || !is_good) {
        connection_close(connection);
        return;
    }
    keep_rest(&turn);
    if (!settle(connection, turn.used > 0, turn.now_ms))
        connection_close(connection);
}

/* After a reply: on with what came meanwhile. */
static void process_backlog(struct connection *connection)
{
    struct connection_backlog *backlog = connection->backlog;
    if (backlog && backlog->input.length > 0 && !is_blocked(connection))
        process(connection, backlog->input.data, backlog->input.length);
    else if (!settle(connection, true, clock_monotonic_ms()))
        connection_close(connection);
}

static void on_verdict(void *context, const struct verdict *verdict)
{
    struct connection *connection = context;
    char reply[POLICY_REPLY_SIZE];

    connection->pending = NULL;
    COUNT(REQUESTS, COUNTED_POLICY);
    if (send_bytes(connection, reply, policy_reply_format(verdict, reply)))
        process_backlog(connection);
    else
        connection_close(connection);
}

static void write_output(struct connection *connection)
{
    struct buffer output = connection->backlog->output;
    connection->backlog->output = BUFFER_WITH_MAXIMUM(output.maximum);
    bool is_sent = send_bytes(connection, output.data, output.length);
    bool has_progressed = connection->backlog->output.length < output.length;
    buffer_free(&output);
    if (!is_sent) {
        connection_close(connection);
    } else if (!is_blocked(connection)) {
        unwatch(connection);
        process_backlog(connection);
    } else if (has_progressed) {
        connection_set_move(connection->set, connection, CONNECTION_SENDING,
                            clock_monotonic_ms());
    }
}

static void read_input(struct connection *connection)
{
    struct connection_set *set = connection->set;
    size_t kept = connection->backlog ? connection->backlog->input.length : 0;
    ssize_t length = read(connection->read_fd, set->read_buffer, POLICY_REQUEST_MAX - kept);

    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (length <= 0) {
        connection_close(connection);
    } else if (kept == 0) {
        process(connection, set->read_buffer, (size_t)length);
    } else {
        struct buffer *input = &connection->backlog->input;
        buffer_append(input, set->read_buffer, (size_t)length);
        process(connection, input->data, input->length);
    }
}

static void on_event(int fd, short events, void *context)
{
    struct connection *connection = context;
    (void)fd;
    (void)events;
    if (connection->state == CONNECTION_DECIDING)
        unwatch(connection);
    else if (connection->state == CONNECTION_SENDING)
        write_output(connection);
    else
        read_input(connection);
}

void connection_finish(struct connection *connection)
{
    struct pollfd input = {.fd = connection->read_fd, .events = POLLIN};
    if (poll(&input, 1, 0) > 0)
        read_input(connection);
    else
        connection_close(connection);
}
