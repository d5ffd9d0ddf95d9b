#include "host/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char program_name[64] = "postvalve"; /* openlog() keeps the pointer */
static enum log_target current_target = LOG_TARGET_STDERR;
static bool is_debug_written;

void log_open(const char *program, enum log_target target, bool is_verbose)
{
    pthread_mutex_lock(&mutex);
    closelog();
    if (program != program_name)
        snprintf(program_name, sizeof(program_name), "%s", program);
    current_target = target;
    is_debug_written = is_verbose;
    if (target == LOG_TARGET_SYSLOG)
        openlog(program_name, LOG_PID | LOG_NDELAY, LOG_MAIL);
    pthread_mutex_unlock(&mutex);
}

/* Makes one line of it: the terminal and the log reader see no control characters. */
static void replace_control_characters(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
}

/* prefix_length: where the text begins; only stderr shows what stands before it. */
static void write_line(int priority, char line[static LOG_LINE_SIZE + 1], size_t prefix_length)
{
    if (current_target == LOG_TARGET_SYSLOG) {
        syslog(priority, "%s", line + prefix_length);
        return;
    }
    size_t length = 0;
    while (line[length])
        length++;
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* there is no other place to say so */
}

__attribute__((format(printf, 3, 0))) static void log_line(int priority, const char *word,
                                                           const char *format,
                                                           va_list arguments)
{
    int saved_errno = errno;
    char line[LOG_LINE_SIZE + 1];

    pthread_mutex_lock(&mutex);
    if (priority != LOG_DEBUG || is_debug_written) {
        size_t prefix_length =
            (size_t)snprintf(line, LOG_LINE_SIZE, "%s[%ld]: ", program_name, (long)getpid());
        /* syslog wants the word too, as Postfix writes it: "warning: text". */
        size_t length =
            prefix_length +
            (size_t)snprintf(line + prefix_length, LOG_LINE_SIZE - prefix_length, "%s", word);
        vsnprintf(line + length, LOG_LINE_SIZE - length, format, arguments);
        replace_control_characters(line);
        write_line(priority == LOG_DEBUG ? LOG_INFO : priority, line, prefix_length);
    }
    pthread_mutex_unlock(&mutex);
    errno = saved_errno;
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line(LOG_ERR, "error: ", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line(LOG_WARNING, "warning: ", format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line(LOG_INFO, "", format, arguments);
    va_end(arguments);
}

void log_debug(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line(LOG_DEBUG, "", format, arguments);
    va_end(arguments);
}
