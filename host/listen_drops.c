#include "host/listen_drops.h"

#include "common/memory.h"
#include "common/number.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 16384 /* /proc/net/netstat has some 4 KB */

enum file { FILE_NETSTAT, FILE_SOCKSTAT, FILE_SOCKSTAT6, FILE_COUNT };
static const char *const paths[FILE_COUNT] = {
    [FILE_NETSTAT] = "/proc/net/netstat",
    [FILE_SOCKSTAT] = "/proc/net/sockstat",
    [FILE_SOCKSTAT6] = "/proc/net/sockstat6",
};

struct socket_counters {
    int fds[FILE_COUNT];
    char text[TEXT_SIZE];
};

struct socket_counters *socket_counters_open(void)
{
    struct socket_counters *counters = memory_allocate(1, sizeof(*counters));
    for (int i = 0; i < FILE_COUNT; i++)
        counters->fds[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
    return counters;
}

void socket_counters_close(struct socket_counters *counters)
{
    if (!counters)
        return;
    for (int i = 0; i < FILE_COUNT; i++)
        if (counters->fds[i] >= 0)
            close(counters->fds[i]);
    free(counters);
}

/* The kernel writes such a file anew for each read from its beginning. */
static bool read_text(struct socket_counters *counters, enum file file)
{
    size_t length = 0;
    if (counters->fds[file] < 0)
        return false;
    while (length < TEXT_SIZE - 1) {
        ssize_t count = pread(counters->fds[file], counters->text + length,
                              TEXT_SIZE - 1 - length, (off_t)length);
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    counters->text[length] = '\0';
    return length > 0;
}

/* The next word of a line; false at its end. */
static bool next_word(const char **position, struct slice *word_r)
{
    *position += strspn(*position, " ");
    *word_r = (struct slice){*position, strcspn(*position, " \n")};
    *position += word_r->length;
    return word_r->length > 0;
}

/* The line that begins so; NULL: there is none. */
static const char *find_line(const char *text, const char *begin)
{
    size_t length = strlen(begin);
    while (text && strncmp(text, begin, length) != 0) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return text;
}

bool listen_drops_parse(const char *text, struct listen_drops *drops_r)
{
    struct slice name, value;
    int found = 0;
    const char *names = find_line(text, "TcpExt:");
    const char *end = names ? strchr(names, '\n') : NULL;
    const char *values = end ? find_line(end + 1, "TcpExt:") : NULL;
    if (!values)
        return false;
    while (next_word(&names, &name) && next_word(&values, &value)) {
        if (slice_equals(name, SLICE_LITERAL("ListenOverflows")))
            found += number_parse(value, INT64_MAX, &drops_r->overflows);
        else if (slice_equals(name, SLICE_LITERAL("ListenDrops")))
            found += number_parse(value, INT64_MAX, &drops_r->drops);
    }
    return found == 2;
}

bool sockets_in_use_parse(const char *text, int64_t *in_use_r)
{
    struct slice word;
    const char *line = find_line(text, "TCP: inuse ");
    if (!line)
        line = find_line(text, "TCP6: inuse ");
    if (!line)
        return false;
    next_word(&line, &word);
    next_word(&line, &word);
    return next_word(&line, &word) && number_parse(word, INT64_MAX, in_use_r);
}

bool socket_counters_read_drops(struct socket_counters *counters, struct listen_drops *drops_r)
{
    return read_text(counters, FILE_NETSTAT) && listen_drops_parse(counters->text, drops_r);
}

bool socket_counters_read_in_use(struct socket_counters *counters, int64_t *in_use_r)
{
    int64_t ipv6;
    if (!read_text(counters, FILE_SOCKSTAT) || !sockets_in_use_parse(counters->text, in_use_r))
        return false;
    if (read_text(counters, FILE_SOCKSTAT6) && sockets_in_use_parse(counters->text, &ipv6))
        *in_use_r += ipv6;
    return true;
}
