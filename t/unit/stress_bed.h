/*
 * stress_bed - what tests of the stress monitor stand on: real connections, a clock of our own,
 * the directory of a Postfix without services.
 */
#ifndef POSTVALVE_T_UNIT_STRESS_BED_H
#define POSTVALVE_T_UNIT_STRESS_BED_H

#include "common/error_list.h"
#include "host/stress_monitor.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SLOTS       4
#define CLIENTS_MAX 32
#define REDIS_MS    INT64_C(1800000000000)

static int64_t now_ms = 1000000;
static char directory[64]; /* of a Postfix without services */

struct server {
    int listener;
    uint16_t port;
    int clients[CLIENTS_MAX], accepted[CLIENTS_MAX];
    int client_count, accepted_count;
};

static inline struct sockaddr_in server_address(const struct server *server)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(server->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline void server_listen(struct server *server)
{
    struct sockaddr_in address = server_address(server);
    socklen_t length = sizeof(address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (const struct sockaddr *)&address, length) < 0 ||
        listen(server->listener, CLIENTS_MAX) < 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) < 0) {
        perror("listen");
        exit(1);
    }
    server->port = ntohs(address.sin_port);
}

static inline void server_connect(struct server *server, int count)
{
    struct sockaddr_in address = server_address(server);
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
            perror("connect");
        server->clients[server->client_count++] = fd;
    }
}

static inline void server_accept(struct server *server, int count)
{
    for (int i = 0; i < count; i++)
        server->accepted[server->accepted_count++] = accept(server->listener, NULL, NULL);
}

/* All sessions end. A client that goes while it waits stays in the queue until it is accepted.
 */
static inline void server_clear(struct server *server)
{
    while (server->accepted_count < server->client_count)
        server_accept(server, 1);
    while (server->client_count > 0)
        close(server->clients[--server->client_count]);
    while (server->accepted_count > 0)
        close(server->accepted[--server->accepted_count]);
}

__attribute__((format(printf, 1, 2))) static inline struct config *load(const char *format, ...)
{
    struct error_list errors;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    error_list_init(&errors);
    struct config *config = config_load_text("test", text, strlen(text), &errors);
    error_list_print(&errors, "#", stdout);
    if (!config)
        exit(1);
    return config;
}

static inline struct config *load_two(const struct server *smtp,
                                      const struct server *submission)
{
    return load("{\"services\": ["
                "{\"name\": \"smtp\", \"port\": %d, \"slot_limit\": %d,"
                " \"postfix_config_directory\": \"%s\"},"
                "{\"name\": \"submission\", \"port\": %d, \"slot_limit\": 10,"
                " \"postfix_config_directory\": \"%s\","
                " \"level\": {\"hold_s\": 5}}], \"cluster\": {\"follow\": \"elevated\"}}",
                smtp->port, SLOTS, directory, submission->port, directory);
}

/* Ticks as wanted, for so long. */
static inline void tick_for(struct stress_monitor *monitor, const int *busy, int64_t for_ms)
{
    for (int64_t end_ms = now_ms + for_ms; now_ms < end_ms;) {
        int64_t next_ms = stress_monitor_tick(monitor, busy, now_ms);
        if (next_ms < 1 || next_ms > STRESS_MONITOR_TICK_MS)
            ok(false, "the next tick is wanted in %d ms", (int)next_ms);
        now_ms += next_ms;
    }
}

static inline struct stress_reading read_service(struct stress_monitor *monitor, size_t service)
{
    struct stress_reading reading;
    stress_monitor_read(monitor, service, -1, false, now_ms, &reading);
    return reading;
}

static inline void write_file(const char *name, const char *text, time_t time)
{
    const struct timeval times[2] = {{.tv_sec = time}, {.tv_sec = time}};
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || utimes(path, times) < 0)
        perror(path);
}

static inline void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    unlink(path);
}

static inline void bed_begin(struct server *smtp, struct server *submission)
{
    if (!getenv("TEST_VERBOSE")) { /* what is logged */
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        close(null);
    }
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/pvXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        exit(1);
    }
    write_file("main.cf", "compatibility_level = 3.6\n", 1700000000);
    write_file("master.cf", "smtp unix - - n - - smtp\n", 1700000000);
    server_listen(smtp);
    server_listen(submission);
}

static inline int bed_end(const struct server *smtp, const struct server *submission)
{
    close(smtp->listener);
    close(submission->listener);
    remove_file("main.cf");
    remove_file("master.cf");
    is_number(rmdir(directory), 0, "nothing is left behind");
    return done_testing();
}

#endif
