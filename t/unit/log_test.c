/* Log lines on standard error: form, one line for a call, from many threads. */
#include "host/log.h"

#include "host/clock.h"
#include "t/unit/tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS          4
#define LINES_PER_THREAD 200

static int log_fd;

static void capture_stderr(void)
{
    FILE *file = tmpfile();
    if (!file || dup2(fileno(file), STDERR_FILENO) < 0)
        exit(1);
    log_fd = STDERR_FILENO;
}

/* What was logged since the last call. */
static const char *logged(void)
{
    static char text[THREADS * LINES_PER_THREAD * 80];
    static off_t position;
    ssize_t length = pread(log_fd, text, sizeof(text) - 1, position);
    text[length > 0 ? length : 0] = '\0';
    position += length > 0 ? length : 0;
    return text;
}

static void is_logged(const char *program, const char *line)
{
    char expected[LOG_LINE_SIZE];
    snprintf(expected, sizeof(expected), "%s[%ld]: %s", program, (long)getpid(), line);
    is_string(logged(), expected, line[0] ? "line" : "no line");
}

static void *log_many(void *argument)
{
    for (int i = 0; i < LINES_PER_THREAD; i++)
        log_info("thread %d line %d", *(int *)argument, i);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, log_many, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    int whole = 0, broken = 0;
    for (const char *line = logged(); *line; line = strchr(line, '\n') + 1) {
        int thread, number;
        if (sscanf(line, "test[%*d]: thread %d line %d\n", &thread, &number) == 2)
            whole++;
        else
            broken++;
        if (!strchr(line, '\n'))
            break;
    }
    is_number(whole, THREADS * LINES_PER_THREAD, "threads: every line is whole");
    is_number(broken, 0, "threads: and no other");
}

int main(void)
{
    char long_text[2 * LOG_LINE_SIZE];
    capture_stderr();

    log_info("before");
    is_logged("postvalve", "before\n");
    log_open("test", LOG_TARGET_STDERR, false);
    errno = ENOENT;
    log_error("number %d", 7);
    is_number(errno, ENOENT, "errno stays");
    is_logged("test", "error: number 7\n");
    log_warning("text %s", "a");
    is_logged("test", "warning: text a\n");
    log_debug("not said");
    is_string(logged(), "", "debug lines only when asked for");
    log_open("test", LOG_TARGET_STDERR, true);
    log_debug("said");
    is_logged("test", "said\n");
    log_info("one\ntwo\r\x1b[31m\x7f");
    is_logged("test", "one?two??[31m?\n");

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    log_info("%s", long_text);
    const char *line = logged();
    size_t length = strlen(line);
    ok(length == LOG_LINE_SIZE && strchr(line, '\n') == line + length - 1,
       "a long line is cut: %zu bytes", length);

    log_open("test", LOG_TARGET_SYSLOG, false);
    log_info("to the system log, from a test");
    is_string(logged(), "", "syslog: nothing on stderr");
    log_open("test", LOG_TARGET_STDERR, false);
    test_threads();

    int64_t now_ms = clock_monotonic_ms();
    ok(now_ms > 0 && clock_monotonic_ms() >= now_ms, "the clock goes on");
    ok(clock_wall_s() > 1700000000, "and it is later than 2023");
    return done_testing();
}
