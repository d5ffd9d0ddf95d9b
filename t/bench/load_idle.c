#include "t/bench/load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "t/bench/policy_text.h"

#define ANSWER_TIMEOUT_S 5

/* One request and its answer on a blocking socket. */
static void ask_once(int fd, const struct policy_text *text)
{
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    char answer[1024];
    size_t size = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        bench_die("SO_RCVTIMEO");
    }
    if (send(fd, text->bytes, text->size, MSG_NOSIGNAL) != (ssize_t)text->size) {
        bench_die("send");
    }
    while (size < 2 || memcmp(answer + size - 2, "\n\n", 2) != 0) {
        ssize_t got = size < sizeof answer ? read(fd, answer + size, sizeof answer - size) : 0;
        if (got <= 0) {
            bench_die("no answer before the connection idles");
        }
        size += (size_t)got;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_for_stdin(uint64_t duration_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t end_ms = now_ms() + (int64_t)duration_ms;
    char ignored[256];

    for (;;) {
        int64_t left_ms = end_ms - now_ms();
        if (left_ms <= 0 || poll(&input, 1, left_ms > 1000 ? 1000 : (int)left_ms) < 0) {
            return;
        }
        if (input.revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
            return;
        }
    }
}

static uint32_t count_closed(const int *fds, uint32_t count)
{
    uint32_t closed = 0;
    char byte;

    for (uint32_t i = 0; i < count; i++) {
        if (recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
            closed++;
        }
    }
    return closed;
}

bool load_idle(const struct load_options *options)
{
    uint32_t count = options->idle_connections;
    int *fds = calloc(count, sizeof *fds);
    struct policy_text text;

    if (fds == NULL) {
        bench_die("memory");
    }
    policy_text_init(&text, options->protocol_state, options->server_port);
    for (uint32_t i = 0; i < count; i++) {
        fds[i] = bench_socket_connect(&options->address);
        if (!options->is_untouched) {
            policy_text_set(&text, options->first_client + i % options->clients, i);
            ask_once(fds[i], &text);
        }
    }
    printf("ready %u\n", count);
    (void)fflush(stdout);
    wait_for_stdin(options->duration_ms);

    uint32_t closed = count_closed(fds, count);
    if (closed > 0) {
        fprintf(stderr, "policy_load: the server closed %u of %u idle connections\n", closed,
                count);
    }
    free(fds);
    return closed == 0;
}
