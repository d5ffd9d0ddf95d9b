/* Pressure from real connections; time is an input, so the cache is tested without waiting. */
#include "host/pressure_source.h"

#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16

static char service_name[] = "smtp", config_directory[] = "/nonexistent";
static int64_t now_ms = 1000000;

struct server {
    int listener;
    uint16_t port;
    int clients[CLIENTS_MAX], accepted[CLIENTS_MAX];
    int client_count, accepted_count;
};

static bool server_listen(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int on = 1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->listener, (const struct sockaddr *)&address, length) < 0 ||
        listen(server->listener, CLIENTS_MAX) < 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) < 0)
        return false;
    server->port = ntohs(address.sin_port);
    return true;
}

static void server_connect(struct server *server, int count)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
            perror("connect");
        server->clients[server->client_count++] = fd;
    }
}

static void server_accept(struct server *server, int count)
{
    for (int i = 0; i < count; i++)
        server->accepted[server->accepted_count++] = accept(server->listener, NULL, NULL);
}

static void server_close(struct server *server)
{
    for (int i = 0; i < server->accepted_count; i++)
        close(server->accepted[i]);
    for (int i = 0; i < server->client_count; i++)
        close(server->clients[i]);
    server->accepted_count = server->client_count = 0;
    close(server->listener);
}

static int log_fd;

/* How many lines were logged since the last call; the text of the last one. */
static int count_lines(char *last, size_t last_size)
{
    static off_t position;
    char text[4096];
    int count = 0;
    ssize_t length = pread(log_fd, text, sizeof(text) - 1, position);
    text[length > 0 ? length : 0] = '\0';
    position += length > 0 ? length : 0;
    last[0] = '\0';
    for (char *line = text; *line;) {
        char *end = line + strcspn(line, "\n");
        snprintf(last, last_size, "%.*s", (int)(end - line), line);
        count++;
        line = *end ? end + 1 : end;
    }
    return count;
}

static void is_lines(int expected, const char *what)
{
    char last[512];
    int count = count_lines(last, sizeof(last));
    ok(count == expected, "%s: %d lines: %s", what, count, last);
}

/* Reads with the clock going on until the handshakes are through. */
static struct pressure wait_pressure(struct pressure_source *source, int busy, int waiting)
{
    struct pressure pressure;
    for (int i = 0; i < 1000; i++) {
        now_ms += PRESSURE_CACHE_MAX_MS;
        pressure_source_read(source, now_ms, &pressure);
        if (pressure.busy == busy && pressure.waiting == waiting)
            break;
        poll(NULL, 0, 5);
    }
    return pressure;
}

static void test_numbers(struct pressure_source *source, struct server *server)
{
    struct pressure pressure;
    server_connect(server, 3);
    server_accept(server, 3);
    pressure = wait_pressure(source, 3, 0);
    ok(pressure.is_known && !pressure.is_postfix_stressed, "known");
    is_number(pressure.slot_limit, 4, "limit");
    is_number(pressure.slots, 0.75, "slots");
    is_number(pressure.value, 0.75, "pressure");
    server_connect(server, 6);
    server_accept(server, 1);
    pressure = wait_pressure(source, 4, 5);
    is_number(pressure.slots, 1.0, "full: slots");
    is_number(pressure.value, 2.25, "full: those that wait count");

    server_accept(server, 1);
    pressure_source_read(source, now_ms + PRESSURE_CACHE_MS - 1, &pressure);
    is_number(pressure.busy, 4, "the reading is kept for a moment");
    pressure_source_read(source, now_ms + PRESSURE_CACHE_MAX_MS, &pressure);
    is_number(pressure.busy, 5, "and not longer");
    server_accept(server, 1);
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.busy, 6, "a clock that goes back is no reason to keep it");
}

static void test_admitted(struct pressure_source *source)
{
    struct pressure pressure;
    now_ms += PRESSURE_CACHE_MAX_MS;
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.busy, 6, "admitted: as measured");
    pressure_source_note_admitted(source);
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.busy, 7, "admitted: counts before it is measured");
    for (int i = 0; i < 100; i++)
        pressure_source_note_admitted(source);
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.busy, 10, "admitted: no more than there are slots");
    pressure_source_read(source, now_ms + PRESSURE_CACHE_MAX_MS / 2, &pressure);
    is_number(pressure.busy, 6, "admitted: the next reading comes early and starts anew");
}

static void test_exact(struct pressure_source *source, struct server *server)
{
    struct pressure pressure;
    now_ms += PRESSURE_CACHE_MAX_MS;
    pressure_source_read_exact(source, 2, now_ms, &pressure);
    ok(pressure.is_known, "exact: known");
    is_number(pressure.busy, 2, "exact: the caller's count");
    is_number(pressure.slots, 0.5, "exact: slots");
    is_number(pressure.waiting, 3, "exact: the kernel's queue");
    is_number(pressure.value, 1.25, "exact: pressure");
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.busy, 6, "a reading of the queue alone does not do for a full one");
    server_accept(server, 1);
    pressure_source_read_exact(source, 3, now_ms, &pressure);
    is_number(pressure.waiting, 3, "exact: a full one does for the queue");
    is_number(pressure.busy, 3, "exact: never kept for the caller's count");
}

static void test_blind(struct pressure_source *source, struct server *server)
{
    struct pressure pressure;
    server_close(server);
    is_lines(0, "all was well");
    for (int i = 0; i < 3; i++) {
        now_ms += PRESSURE_CACHE_MAX_MS;
        pressure_source_read(source, now_ms, &pressure);
        ok(!pressure.is_known, "nobody listens: not known");
    }
    is_lines(1, "said once");
    now_ms += PRESSURE_CACHE_MAX_MS;
    pressure_source_read_exact(source, 2, now_ms, &pressure);
    ok(pressure.is_known && pressure.waiting == 0 && pressure.busy == 2,
       "nobody listens: the caller's count is known all the same");
    is_lines(1, "said once");

    ok(server_listen(server), "listens again");
    wait_pressure(source, 0, 0);
    pressure_source_read(source, now_ms, &pressure);
    ok(pressure.is_known, "known again");
    is_lines(1, "said once");
}

int main(void)
{
    struct server server = {.port = 0}, other = {.port = 0};
    struct error error = {""};
    struct pressure pressure;
    FILE *file = tmpfile();
    if (!file || !server_listen(&server) || !server_listen(&other)) {
        perror("set-up");
        return 1;
    }
    log_fd = fileno(file);
    dup2(log_fd, STDERR_FILENO);

    struct service_settings settings = {.name = service_name,
                                        .port = server.port,
                                        .slot_limit = 4,
                                        .postfix_config_directory = config_directory};
    struct pressure_source *source = pressure_source_open(&settings, &error);
    if (!ok(source != NULL, "opens: %s", error.text))
        return done_testing();
    test_numbers(source, &server);
    test_admitted(source);
    test_exact(source, &server);
    test_blind(source, &server);

    settings.slot_limit = SLOT_LIMIT_AUTO;
    ok(!pressure_source_refresh(source, &settings, &error), "refresh fails: %s", error.text);
    is_number(pressure_source_slot_limit(source), 4, "and changes nothing");
    settings.slot_limit = 8;
    settings.port = other.port;
    server_connect(&other, 2);
    server_accept(&other, 2);
    ok(pressure_source_refresh(source, &settings, &error), "refresh: another port and limit");
    pressure_source_read(source, now_ms, &pressure);
    is_number(pressure.slots, 0.25, "which count at once");
    ok(pressure_source_refresh(source, NULL, &error), "refresh: as before");
    pressure_source_close(source);
    pressure_source_close(NULL);
    server_close(&server);
    server_close(&other);
    return done_testing();
}
