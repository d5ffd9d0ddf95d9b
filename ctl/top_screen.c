/* The terminal of top: the alternate screen, no cursor, keys as they are typed. */
#include "ctl/top.h"

#include "host/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define REFRESH_MS   1000
#define OUTPUT_SIZE  (TOP_ROWS * (TOP_COLUMNS + 32))
#define SCREEN_OPEN  "\033[?1049h\033[?25l\033[2J"
#define SCREEN_CLOSE "\033[?25h\033[?1049l"

static volatile sig_atomic_t is_ended, is_resized;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        is_resized = 1;
    else
        is_ended = 1;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
    /* A stopped top would leave its screen to the shell. */
    signal(SIGTSTP, SIG_IGN);
}

/* False: the terminal is gone. */
static bool write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

static size_t rows_of_terminal(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return 24;
    return size.ws_row;
}

/* Only the lines that are not on the screen as they are. */
static bool draw(const struct top_frame *frame, const struct top_frame *before, bool is_first)
{
    static char output[OUTPUT_SIZE];
    size_t rows = rows_of_terminal(), length = 0;
    size_t count = frame->count > before->count ? frame->count : before->count;
    if (is_first)
        length += (size_t)snprintf(output, sizeof(output), "\033[2J");
    for (size_t i = 0; i < count && i < rows && i < TOP_ROWS; i++) {
        if (!is_first && strcmp(frame->lines[i], before->lines[i]) == 0)
            continue;
        length += (size_t)snprintf(output + length, sizeof(output) - length,
                                   "\033[%zu;1H%s\033[K", i + 1, frame->lines[i]);
    }
    return write_all(output, length);
}

/* False: it is time to end. */
static bool wait_for_key(int64_t until_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!is_ended && !is_resized) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        int ready = poll(&input, 1, left_ms > 0 ? (int)left_ms : 0);
        char key = 0;
        if (ready == 0)
            return true;
        if (ready > 0 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q'))
            return false;
    }
    return !is_ended;
}

static void show(struct top *top, struct redis_session *session, const char *host)
{
    static struct top_frame frames[2];
    size_t current = 0;
    bool is_first = true;
    int64_t next_ms = clock_monotonic_ms();
    do {
        is_first = is_first || is_resized;
        if (clock_monotonic_ms() >= next_ms) {
            top_read(top, session, host);
            next_ms = clock_monotonic_ms() + REFRESH_MS;
        }
        is_resized = 0;
        current = 1 - current;
        top_frame_build(&frames[current], top, host);
        if (!draw(&frames[current], &frames[1 - current], is_first))
            return;
        is_first = false;
    } while (wait_for_key(next_ms));
}

bool top_screen_run(struct top *top, struct redis_session *session, const char *host,
                    struct error *error)
{
    struct termios saved, raw;
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return error_set(error, "top needs a terminal; for scripts there is top --once");
    catch_signals();
    raw = saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C is still a signal */
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    if (write_all(SCREEN_OPEN, sizeof(SCREEN_OPEN) - 1))
        show(top, session, host);
    write_all(SCREEN_CLOSE, sizeof(SCREEN_CLOSE) - 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    return true;
}
