#include "host/decision_log.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/hostname.h"
#include "host/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MS   200
#define FILE_MODE  0640
#define TIME_SIZE  sizeof("2026-11-21T08:00:00.123Z")
#define SHARE_UNIT 1000000

struct decision_log {
    const char *process;
    char host[HOSTNAME_SIZE];
    atomic_uint seen[RULE_COUNT];

    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* Under the mutex: */
    struct buffer queue;  /* whole lines */
    char *file, *journal; /* "": none */
    bool is_running, is_ending;
    pthread_t thread;

    /* Of the thread: */
    int fd; /* -1: not open */
    int socket;
    bool is_in_trouble;
};

/* -- output, in the thread ---------------------------------------------------------------- */

static void trouble(struct decision_log *log, const char *where)
{
    if (!log->is_in_trouble)
        log_warning("decision log: %s: %s: lines are dropped", where, strerror(errno));
    log->is_in_trouble = true;
}

static bool is_still_there(int fd, const char *file)
{
    struct stat opened, named;
    return fd >= 0 && fstat(fd, &opened) == 0 && stat(file, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* One write(2) a batch: with O_APPEND, lines of several processes do not mix. O_NONBLOCK: a
 * FIFO that nobody reads is no reason to wait. */
static bool write_file(struct decision_log *log, const char *file, const struct buffer *lines)
{
    if (!is_still_there(log->fd, file)) {
        if (log->fd >= 0)
            close(log->fd);
        log->fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                       FILE_MODE);
    }
    if (log->fd >= 0 && write(log->fd, lines->data, lines->length) == (ssize_t)lines->length)
        return true;
    trouble(log, file);
    return false;
}

/* A datagram a line, in the native protocol of the journal; one that does not fit is lost. */
static bool write_journal(struct decision_log *log, const char *path,
                          const struct buffer *lines)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char head[128];
    bool is_written = true;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int head_length =
        snprintf(head, sizeof(head),
                 "PRIORITY=6\nSYSLOG_IDENTIFIER=postvalve-%s\nMESSAGE=", log->process);
    for (const char *line = lines->data, *end = line + lines->length; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        struct iovec parts[] = {
            {head, (size_t)head_length},
            {(char *)line, (size_t)(line_end + 1 - line)},
        };
        const struct msghdr message = {.msg_name = &address,
                                       .msg_namelen = sizeof(address),
                                       .msg_iov = parts,
                                       .msg_iovlen = sizeof(parts) / sizeof(parts[0])};
        if (sendmsg(log->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            trouble(log, path);
            is_written = false;
        }
        line = line_end + 1;
    }
    return is_written;
}

static size_t count_lines(const struct buffer *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines->length; i++)
        count += lines->data[i] == '\n';
    return count;
}

static void write_batch(struct decision_log *log, const char *file, const char *journal,
                        const struct buffer *lines)
{
    bool is_written = true;
    if (file[0])
        is_written = write_file(log, file, lines);
    if (journal[0] && !write_journal(log, journal, lines))
        is_written = false;
    COUNT_ADD(DECISION_LINES, count_lines(lines),
              is_written ? DECISION_LINE_WRITTEN : DECISION_LINE_DROPPED);
    if (is_written && log->is_in_trouble) {
        log_info("decision log: lines are written again");
        log->is_in_trouble = false;
    }
}

static void wait_batch(struct decision_log *log)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BATCH_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (!log->is_ending && log->queue.length < DECISION_LOG_QUEUE_MAX / 2 &&
           pthread_cond_timedwait(&log->wake, &log->mutex, &until) == 0)
        ;
}

static void *write_lines(void *context)
{
    struct decision_log *log = context;
    pthread_mutex_lock(&log->mutex);
    while (!log->is_ending || log->queue.length > 0) {
        if (log->queue.length == 0) {
            pthread_cond_wait(&log->wake, &log->mutex);
            continue;
        }
        wait_batch(log);
        struct buffer lines = log->queue;
        char *file = memory_copy_string(log->file), *journal = memory_copy_string(log->journal);
        log->queue = BUFFER_WITH_MAXIMUM(DECISION_LOG_QUEUE_MAX);
        pthread_mutex_unlock(&log->mutex);
        write_batch(log, file, journal, &lines);
        buffer_free(&lines);
        free(file);
        free(journal);
        pthread_mutex_lock(&log->mutex);
    }
    pthread_mutex_unlock(&log->mutex);
    return NULL;
}

/* Under the mutex. The thread takes no signals: they are for the loop, or for housekeeping. */
static bool start(struct decision_log *log)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!log->is_running)
        log->is_running = pthread_create(&log->thread, NULL, write_lines, log) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return log->is_running;
}

/* -- the interface ------------------------------------------------------------------------ */

static void set_outputs(struct decision_log *log, const struct decision_log_settings *settings)
{
    free(log->file);
    free(log->journal);
    log->file = memory_copy_string(settings->file);
    log->journal = memory_copy_string(settings->journal);
}

struct decision_log *decision_log_open(const struct config *config, const char *process)
{
    struct decision_log *log = memory_allocate(1, sizeof(*log));
    pthread_condattr_t monotonic;
    log->process = process;
    hostname_get(config->host, log->host);
    log->queue = BUFFER_WITH_MAXIMUM(DECISION_LOG_QUEUE_MAX);
    set_outputs(log, &config->decision_log);
    log->fd = -1;
    log->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return log;
}

void decision_log_reload(struct decision_log *log, const struct config *config)
{
    pthread_mutex_lock(&log->mutex);
    set_outputs(log, &config->decision_log);
    pthread_mutex_unlock(&log->mutex);
}

void decision_log_end(struct decision_log *log)
{
    pthread_mutex_lock(&log->mutex);
    bool is_joined = log->is_running && !log->is_ending;
    log->is_ending = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->mutex);
    if (is_joined)
        pthread_join(log->thread, NULL);
}

void decision_log_free(struct decision_log *log)
{
    if (!log)
        return;
    decision_log_end(log);
    if (log->fd >= 0)
        close(log->fd);
    if (log->socket >= 0)
        close(log->socket);
    buffer_free(&log->queue);
    free(log->file);
    free(log->journal);
    pthread_cond_destroy(&log->wake);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

bool decision_log_wants(struct decision_log *log, const struct decision_log_settings *settings,
                        enum rule rule)
{
    if (!settings->file[0] && !settings->journal[0])
        return false;
    uint64_t share = (uint64_t)(settings->share[rule] * SHARE_UNIT + 0.5);
    uint64_t seen = atomic_fetch_add_explicit(&log->seen[rule], 1, memory_order_relaxed);
    return (seen + 1) * share / SHARE_UNIT != seen * share / SHARE_UNIT;
}

/* RFC 3339, in UTC. */
static void format_time(int64_t wall_ms, char out[static TIME_SIZE])
{
    struct tm parts;
    time_t wall_s = (time_t)(wall_ms / 1000);
    gmtime_r(&wall_s, &parts);
    size_t length = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + length, TIME_SIZE - length, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
}

void decision_log_tell(struct decision_log *log, const struct decision_log_settings *settings,
                       struct decision *decision)
{
    char line[DECISION_LOG_LINE_MAX], when[TIME_SIZE];
    bool is_taken = false;
    format_time(clock_wall_ms(), when);
    decision->time = when;
    decision->host = log->host;
    decision->process = log->process;
    decision->share = settings->share[decision->verdict->rule];
    json_t *object = decision_json(decision);
    size_t length =
        json_dumpb(object, line, sizeof(line) - 1, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    if (length > 0 && length < sizeof(line)) {
        line[length++] = '\n';
        pthread_mutex_lock(&log->mutex);
        bool was_empty = log->queue.length == 0;
        is_taken = !log->is_ending && start(log) && buffer_append(&log->queue, line, length);
        if (was_empty || log->queue.length >= DECISION_LOG_QUEUE_MAX / 2)
            pthread_cond_signal(&log->wake); /* each time would wake the thread for nothing */
        pthread_mutex_unlock(&log->mutex);
    }
    if (!is_taken)
        COUNT(DECISION_LINES, DECISION_LINE_DROPPED);
}
