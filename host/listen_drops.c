#include "host/listen_drops.h"

#include "common/memory.h"
#include "common/number.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 16384 /* /proc/net/netstat has some 4 KB */

enum file { FILE_NETSTAT, FILE_SNMP, FILE_COUNT };
static const char *const paths[FILE_COUNT] = {
    [FILE_NETSTAT] = "/proc/net/netstat",
    [FILE_SNMP] = "/proc/net/snmp",
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

/* A line of names and a line of values for each protocol. */
static bool parse_counter(const char *text, const char *protocol, struct slice counter,
                          int64_t *value_r)
{
    struct slice name, value;
    const char *names = find_line(text, protocol);
    const char *end = names ? strchr(names, '\n') : NULL;
    const char *values = end ? find_line(end + 1, protocol) : NULL;
    if (!values)
        return false;
    while (next_word(&names, &name) && next_word(&values, &value))
        if (slice_equals(name, counter))
            return number_parse(value, INT64_MAX, value_r);
    return false;
}

bool listen_drops_parse(const char *text, struct listen_drops *drops_r)
{
    return parse_counter(text, "TcpExt:", SLICE_LITERAL("ListenOverflows"),
                         &drops_r->overflows) &&
           parse_counter(text, "TcpExt:", SLICE_LITERAL("ListenDrops"), &drops_r->drops);
}

bool connections_opened_parse(const char *text, int64_t *opened_r)
{
    return parse_counter(text, "Tcp:", SLICE_LITERAL("PassiveOpens"), opened_r);
}

bool socket_counters_read_drops(struct socket_counters *counters, struct listen_drops *drops_r)
{
    return read_text(counters, FILE_NETSTAT) && listen_drops_parse(counters->text, drops_r);
}

bool socket_counters_read_opened(struct socket_counters *counters, int64_t *opened_r)
{
    return read_text(counters, FILE_SNMP) && connections_opened_parse(counters->text, opened_r);
}
