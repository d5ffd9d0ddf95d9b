/* Policy connections over socket pairs, with a gather that does as it is told. */
#include "common/policy_request.h"
#include "host/count.h"
#include "policyd/connection.h"
#include "policyd/gather.h"
#include "t/unit/tap.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST "request=smtpd_access_policy\nprotocol_state=RCPT\n"
#define DUNNO   "action=DUNNO\n\n"
#define LATER   "action=421 4.3.2 later\n\n"

struct gather_pending {
    gather_callback *callback;
    void *context;
};

static struct event_base *base;
static struct connection_set set;
static int asked, cancelled, emptied;
static bool is_waiting; /* the gather answers later */
static struct gather_pending pending_one;

/* The client's sender says what the verdict is. */
static struct verdict verdict_of(const struct policy_request *request)
{
    struct slice sender = policy_request_value(request, POLICY_ATTRIBUTE_SENDER);
    if (slice_equals(sender, SLICE_LITERAL("bad")))
        return (struct verdict){.action = VERDICT_HANG_UP, .code = 421, .text = "4.3.2 later"};
    return (struct verdict){.action = VERDICT_CONTINUE};
}

enum gather_result gather_verdict(struct gather *gather, const struct policy_request *request,
                                  struct session_memory *memory, int64_t now_ms,
                                  gather_callback *callback, void *context,
                                  struct verdict *verdict_r, struct gather_pending **pending_r)
{
    (void)gather;
    (void)memory;
    (void)now_ms;
    asked++;
    if (is_waiting) {
        pending_one = (struct gather_pending){callback, context};
        *pending_r = &pending_one;
        return GATHER_PENDING;
    }
    *verdict_r = verdict_of(request);
    return GATHER_READY;
}

void gather_end_session(struct gather *gather, struct session_memory *memory)
{
    (void)gather;
    (void)memory;
}

void gather_cancel(struct gather_pending *pending)
{
    pending->callback = NULL;
    cancelled++;
}

static void answer_now(void)
{
    const struct verdict verdict = {
        .action = VERDICT_HANG_UP, .code = 421, .text = "4.3.2 later"};
    pending_one.callback(pending_one.context, &verdict);
}

static void on_empty(void *context)
{
    (void)context;
    emptied++;
}

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static void begin(void)
{
    const struct connection_limits limits = {1000, 1800000, 10000};
    base = event_base_new();
    memset(count_set(), 0, sizeof(struct counter_set));
    connection_set_init(&set, base, NULL);
    connection_set_apply_limits(&set, &limits);
    set.on_empty = on_empty;
    asked = cancelled = emptied = 0;
    is_waiting = false;
}

static void end(void)
{
    connection_set_deinit(&set);
    ok(set.count == 0, "... nothing is left");
    event_base_free(base);
}

/* The client's side; the other one is a connection. */
static int open_client(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    connection_open(&set, fds[1], fds[1]);
    return fds[0];
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        printf("# a write was cut\n");
    turn();
}

/* What has been answered; "closed" at the end of it when the connection is. */
static const char *hear(int fd)
{
    static char text[4096];
    size_t length = 0;
    ssize_t got;
    turn();
    while ((got = read(fd, text + length, sizeof(text) - length - 8)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    if (got == 0 || (got < 0 && errno != EAGAIN))
        memcpy(text + length, "closed", 7);
    return text;
}

static struct connection *first(enum connection_state state)
{
    return TAILQ_FIRST(&set.lists[state]);
}

static void test_requests(void)
{
    begin();
    int fd = open_client();
    say(fd, REQUEST "\n");
    is_string(hear(fd), DUNNO, "a request is answered");
    ok(first(CONNECTION_IDLE) && !first(CONNECTION_IDLE)->backlog, "... nothing is kept");
    ok(sizeof(struct connection) < 400, "a connection is %zu bytes", sizeof(struct connection));

    say(fd, REQUEST "\n" REQUEST "sender=bad\n\n" REQUEST "\n");
    is_string(hear(fd), DUNNO LATER DUNNO, "three in a packet, in order");

    say(fd, REQUEST "sender=b");
    ok(first(CONNECTION_RECEIVING) != NULL, "half a request is kept");
    is_string(hear(fd), "", "... and not answered");
    say(fd, "ad\n\n" REQUEST);
    is_string(hear(fd), LATER, "... until its rest comes");
    say(fd, "\n");
    is_string(hear(fd), DUNNO, "... with the start of the next");

    for (const char *byte = REQUEST "sender=bad\n\n"; *byte; byte++)
        say(fd, (const char[]){*byte, '\0'});
    is_string(hear(fd), LATER, "byte by byte");
    ok(!first(CONNECTION_IDLE)->backlog, "... nothing is kept then");
    close(fd);
    turn();
    ok(set.count == 0 && emptied == 1, "the end of input closes");
    end();
}

static void test_many_in_one_packet(void)
{
    static char text[60000], answers[60000];
    const size_t length = strlen(REQUEST "\n");
    size_t count = 0, got = 0;
    begin();
    int fd = open_client();
    while ((count + 1) * length < sizeof(text)) {
        memcpy(text + count * length, REQUEST "\n", length + 1);
        count++;
    }
    say(fd, text);
    ssize_t part;
    while ((part = read(fd, answers + got, sizeof(answers) - got)) > 0)
        got += (size_t)part;
    ok(got == count * strlen(DUNNO), "%zu requests in a packet", count);
    close(fd);
    end();
}

static void test_waiting(void)
{
    begin();
    int fd = open_client();
    is_waiting = true;
    say(fd, REQUEST "\n" REQUEST "sender=bad\n\n" REQUEST);
    ok(asked == 1 && first(CONNECTION_DECIDING), "the second waits for the first");
    say(fd, "\n");
    ok(asked == 1 && !first(CONNECTION_DECIDING)->is_watching, "nothing is read meanwhile");
    connection_set_sweep(&set, INT64_MAX / 2);
    ok(set.count == 1, "waiting for a verdict does not time out");
    is_waiting = false;
    answer_now();
    is_string(hear(fd), LATER LATER DUNNO, "all are answered then, in order");
    ok(first(CONNECTION_IDLE) && first(CONNECTION_IDLE)->is_watching, "... and it goes on");

    is_waiting = true;
    say(fd, REQUEST "\n");
    shutdown(fd, SHUT_WR);
    turn();
    ok(set.count == 1, "end of input while one waits");
    answer_now();
    is_string(hear(fd), LATER "closed", "... is answered, then closed");
    ok(cancelled == 0, "... and nothing was cancelled");
    close(fd);

    fd = open_client();
    say(fd, REQUEST "\n");
    close(fd);
    turn();
    answer_now();
    turn();
    ok(set.count == 0, "a client that left does no harm");

    fd = open_client();
    say(fd, REQUEST "\n");
    connection_close(first(CONNECTION_DECIDING));
    ok(cancelled == 1, "closing drops the question");
    close(fd);
    end();
}

static void test_invalid(void)
{
    static const char *const inputs[] = {"GET / HTTP/1.1\r\n", "=x\n", "\n",
                                         "request=junk\n\n"};
    begin();
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        int fd = open_client();
        say(fd, inputs[i]);
        is_string(hear(fd), "closed", "garbage is closed without an answer");
        ok(COUNTED(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_INVALID) == (int64_t)i + 1,
           "... and counted");
        close(fd);
    }
    int fd = open_client();
    say(fd, REQUEST "\n" REQUEST "sender=bad\n\ngarbage\n" REQUEST "\n");
    is_string(hear(fd), DUNNO LATER "closed", "what came before it is answered");
    close(fd);

    static char large[70000];
    memset(large, 'x', sizeof(large) - 1);
    fd = open_client();
    say(fd, large);
    is_string(hear(fd), "closed", "a request without end");
    close(fd);
    end();
}

static void test_times(void)
{
    begin();
    int fd = open_client(), half = open_client();
    say(half, "request=smtp");
    int64_t start_ms = first(CONNECTION_IDLE)->since_ms;
    int64_t half_ms = first(CONNECTION_RECEIVING)->since_ms;

    connection_set_sweep(&set, half_ms + 9000);
    ok(set.count == 2, "nothing has timed out");
    usleep(3000);
    say(half, "d_access");
    ok(first(CONNECTION_RECEIVING)->since_ms == half_ms, "more bytes give no more time");
    connection_set_sweep(&set, half_ms + 10001);
    ok(set.count == 1 && COUNTED(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_TIMED_OUT) == 1,
       "half a request times out");
    is_string(hear(half), "closed", "... without an answer");
    close(half);

    connection_set_sweep(&set, start_ms + 1799000);
    ok(set.count == 1, "an idle one stays");
    usleep(3000);
    say(fd, REQUEST "\n");
    ok(first(CONNECTION_IDLE)->since_ms > start_ms, "a request counts as life");
    connection_set_sweep(&set, first(CONNECTION_IDLE)->since_ms + 1800001);
    ok(set.count == 0, "idle too long is closed");
    close(fd);
    end();
}

static void test_room(void)
{
    begin();
    int a = open_client(), b = open_client(), c = open_client();
    say(a, REQUEST "\n");
    ok(connection_set_make_room(&set), "room is made");
    is_string(hear(b), "closed", "... by the one that is idle longest");
    is_string(hear(a), DUNNO, "... not by the one that asked last");
    say(a, "requ");
    is_waiting = true;
    say(c, REQUEST "\n");
    ok(connection_set_make_room(&set) && first(CONNECTION_DECIDING),
       "half a request goes next");
    ok(!connection_set_make_room(&set), "one in work never goes");
    answer_now();
    is_string(hear(c), LATER, "... and is answered");

    const struct connection_limits limits = {1, 1800000, 10000};
    int d = open_client();
    connection_set_apply_limits(&set, &limits);
    ok(set.count == 1 && COUNTED(CONNECTIONS_CLOSED, COUNTED_POLICY, CLOSED_MADE_ROOM) == 3,
       "a lower limit closes the longest idle");
    is_string(hear(d), "", "... not the newest");
    close(a);
    close(b);
    close(c);
    close(d);
    end();
}

/* The client sends and never reads, until nothing more is taken. */
static size_t fill(int fd)
{
    static const char request[] = REQUEST "\n";
    const size_t length = sizeof(request) - 1;
    size_t offset = 0, count = 0;
    for (int tries = 0; tries < 50;) {
        ssize_t sent = write(fd, request + offset, length - offset);
        if (sent < 0) {
            tries++;
            turn();
            continue;
        }
        offset = (offset + (size_t)sent) % length;
        count += offset == 0;
    }
    return count + (offset != 0);
}

static void test_blocked(void)
{
    static char answers[4096];
    begin();
    int fd = open_client();
    int small = 2048;
    setsockopt(first(CONNECTION_IDLE)->read_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    size_t count = fill(fd), got = 0;
    ok(first(CONNECTION_SENDING) != NULL, "a client that takes no answers");
    shutdown(fd, SHUT_WR); /* the last request may be half: only whole ones count */
    for (int idle = 0; idle < 50; idle++) {
        ssize_t part;
        while ((part = read(fd, answers, sizeof(answers))) > 0) {
            got += (size_t)part;
            idle = 0;
        }
        turn();
    }
    size_t expected = count * strlen(DUNNO);
    ok(got == expected || got == expected - strlen(DUNNO), "... and gets all of them later");
    ok(set.count == 0, "... and its end of input is seen");
    close(fd);

    fd = open_client();
    setsockopt(first(CONNECTION_IDLE)->read_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fill(fd);
    connection_set_sweep(&set, first(CONNECTION_SENDING)->since_ms + 10001);
    ok(set.count == 0, "one that never takes them times out");
    close(fd);
    end();
}

static void test_drain(void)
{
    begin();
    int idle = open_client(), half = open_client(), arrived = open_client(),
        waiting = open_client();
    say(half, "reque");
    is_waiting = true;
    say(waiting, REQUEST "\n");
    is_waiting = false;
    const char text[] = REQUEST "\n";
    ok(write(arrived, text, sizeof(text) - 1) > 0, "a request that nobody has read yet");
    connection_set_drain(&set);
    ok(set.count == 1 && emptied == 0, "all go but the one that waits");
    is_string(hear(idle), "closed", "an idle one is closed");
    is_string(hear(half), "closed", "so is half a request");
    is_string(hear(arrived), DUNNO "closed", "what had arrived is answered");
    answer_now();
    is_string(hear(waiting), LATER "closed", "and what waited");
    ok(emptied == 1, "... and then nothing is left");
    close(idle);
    close(half);
    close(arrived);
    close(waiting);
    end();
}

static void test_pipes(void)
{
    int to[2], from[2];
    begin();
    if (pipe(to) != 0 || pipe(from) != 0)
        abort();
    fcntl(from[0], F_SETFL, O_NONBLOCK);
    connection_open(&set, to[0], from[1]);
    say(to[1], REQUEST "\n" REQUEST "sender=bad\n\n");
    is_string(hear(from[0]), DUNNO LATER, "two pipes instead of a socket");
    close(to[1]);
    turn();
    ok(set.count == 0, "... and the end of input");
    is_string(hear(from[0]), "closed", "... closes both");
    close(from[0]);
    end();
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_requests();
    test_many_in_one_packet();
    test_waiting();
    test_invalid();
    test_times();
    test_room();
    test_blocked();
    test_drain();
    test_pipes();
    return done_testing();
}
