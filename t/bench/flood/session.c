#include "t/bench/flood/session.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void session_initialize(struct session *session, const struct session_handler *handler,
                        void *owner)
{
    memset(session, 0, sizeof *session);
    session->descriptor = -1;
    session->handler = handler;
    session->owner = owner;
}

bool session_is_open(const struct session *session)
{
    return session->descriptor >= 0;
}

void session_close(struct session *session)
{
    /* Answering the server's FIN with a RST leaves no TIME_WAIT on either side. */
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (!session_is_open(session))
        return;
    if (session->has_server_closed)
        (void)setsockopt(session->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    event_del(&session->input);
    event_del(&session->output);
    if (session->unsent != NULL)
        evbuffer_free(session->unsent);
    session->unsent = NULL;
    close(session->descriptor);
    session->descriptor = -1;
}

static void end_session(struct session *session)
{
    session_close(session);
    session->handler->ended(session->owner);
}

/* The code of a last line of a reply; 0: not one. */
static int last_line_code(const char *line, size_t length)
{
    if (length < 3 || (length > 3 && line[3] == '-'))
        return 0;
    int code = 0;
    for (size_t i = 0; i < 3; i++) {
        if (line[i] < '0' || line[i] > '9')
            return 0;
        code = code * 10 + (line[i] - '0');
    }
    return code;
}

/* Takes the whole lines out of the buffer. False: the owner closed the session. */
static bool take_lines(struct session *session)
{
    char *end;

    while ((end = memchr(session->line, '\n', session->length)) != NULL) {
        size_t length = (size_t)(end - session->line);
        size_t taken = length + 1;

        if (length > 0 && session->line[length - 1] == '\r')
            length--;
        int code = last_line_code(session->line, length);
        session->length -= taken;
        memmove(session->line, end + 1, session->length);
        if (code != 0)
            session->handler->reply(session->owner, code);
        if (!session_is_open(session))
            return false;
    }
    if (session->length == sizeof session->line)
        session->length = 4; /* code and separator of a long line: all that counts */
    return true;
}

static void read_input(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    (void)what;

    ssize_t count = recv(descriptor, session->line + session->length,
                         sizeof session->line - session->length, 0);
    if (count > 0) {
        session->length += (size_t)count;
        (void)take_lines(session);
    } else if (count == 0) {
        session->has_server_closed = true;
        end_session(session);
    } else if (errno != EAGAIN && errno != EINTR) {
        end_session(session);
    }
}

static void finish_connect(struct session *session)
{
    int problem = 0;
    socklen_t size = sizeof problem;

    if (getsockopt(session->descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) != 0 ||
        problem != 0) {
        end_session(session);
        return;
    }
    session->is_connected = true;
    event_add(&session->input, NULL);
    session->handler->connected(session->owner);
}

static void write_output(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    (void)what;

    if (!session->is_connected) {
        finish_connect(session);
        return;
    }
    if (session->unsent == NULL)
        return;
    if (evbuffer_write(session->unsent, descriptor) < 0 && errno != EAGAIN && errno != EINTR)
        return; /* the read event tells */
    if (evbuffer_get_length(session->unsent) > 0) {
        event_add(&session->output, NULL);
        return;
    }
    evbuffer_free(session->unsent);
    session->unsent = NULL;
}

void session_send(struct session *session, const char *data, size_t size)
{
    if (session->unsent == NULL) {
        ssize_t count = send(session->descriptor, data, size, MSG_NOSIGNAL);
        if (count == (ssize_t)size || (count < 0 && errno != EAGAIN && errno != EINTR))
            return; /* all sent, or an error that the read event tells */
        size_t sent = count > 0 ? (size_t)count : 0;
        data += sent;
        size -= sent;
        session->unsent = evbuffer_new();
        if (session->unsent == NULL)
            abort();
    }
    evbuffer_add(session->unsent, data, size);
    event_add(&session->output, NULL);
}

static bool bind_and_connect(int descriptor, const struct sockaddr_in *source,
                             const struct sockaddr_in *server)
{
    int on = 1;

    /* Choose the port at connect: the same one may serve many source addresses. */
    (void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(descriptor, (const struct sockaddr *)source, sizeof *source) != 0)
        return false;
    return connect(descriptor, (const struct sockaddr *)server, sizeof *server) == 0 ||
           errno == EINPROGRESS;
}

bool session_open(struct session *session, struct event_base *base,
                  const struct sockaddr_in *source, const struct sockaddr_in *server)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return false;
    if (!bind_and_connect(descriptor, source, server)) {
        int problem = errno;
        close(descriptor);
        errno = problem;
        return false;
    }
    session->descriptor = descriptor;
    session->is_connected = false;
    session->has_server_closed = false;
    session->length = 0;
    event_assign(&session->input, base, descriptor, EV_READ | EV_PERSIST, read_input, session);
    event_assign(&session->output, base, descriptor, EV_WRITE, write_output, session);
    event_add(&session->output, NULL);
    return true;
}
