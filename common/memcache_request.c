#include "common/memcache_request.h"

#include "common/number.h"

#include <stdio.h>

#define WORDS_MAX        6 /* of the longest line: set, with noreply */
#define CENTURY_BEGINS_S 978307200
#define EXPTIME_MAX      100000000000

static const char bad_format[] = "CLIENT_ERROR bad command line format";

struct line {
    struct slice words[WORDS_MAX];
    size_t count;
};

static const struct command_row {
    struct slice name;
    enum memcache_command command;
    bool has_key, has_value;
} command_table[] = {
    {SLICE_LITERAL("get"), MEMCACHE_GET, true, false},
    {SLICE_LITERAL("set"), MEMCACHE_SET, true, true},
    {SLICE_LITERAL("add"), MEMCACHE_ADD, true, true},
    {SLICE_LITERAL("delete"), MEMCACHE_DELETE, true, false},
    {SLICE_LITERAL("version"), MEMCACHE_VERSION, false, false},
    {SLICE_LITERAL("quit"), MEMCACHE_QUIT, false, false},
};

static enum memcache_parse invalid(struct memcache_request *request, const char *problem)
{
    request->problem = problem;
    return MEMCACHE_INVALID;
}

/* White space that cannot be part of a word, and no space. */
static bool is_foreign(char byte)
{
    return byte == '\0' || (byte >= '\t' && byte <= '\r');
}

/* False: too many words, or what no line has. */
static bool split(struct slice text, struct line *line)
{
    size_t begin = 0;
    line->count = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && text.data[i] != ' ') {
            if (is_foreign(text.data[i]))
                return false;
            continue;
        }
        if (i > begin) {
            if (line->count == WORDS_MAX)
                return false;
            line->words[line->count++] = (struct slice){text.data + begin, i - begin};
        }
        begin = i + 1;
    }
    return true;
}

static bool parse_exptime(struct slice word, int64_t *exptime_r)
{
    bool is_negative = word.length > 1 && word.data[0] == '-';
    if (is_negative)
        word = (struct slice){word.data + 1, word.length - 1};
    if (!number_parse(word, EXPTIME_MAX, exptime_r))
        return false;
    if (is_negative)
        *exptime_r = -*exptime_r;
    return true;
}

static bool is_noreply(struct slice word)
{
    return slice_equals(word, SLICE_LITERAL("noreply"));
}

/* set KEY FLAGS EXPTIME BYTES [noreply] */
static enum memcache_parse parse_value(const struct line *line, struct slice rest,
                                       struct memcache_request *request)
{
    int64_t flags, size;
    if (line->count < 5 || !number_parse(line->words[2], UINT32_MAX, &flags) ||
        !parse_exptime(line->words[3], &request->exptime) ||
        !number_parse(line->words[4], MEMCACHE_SKIP_MAX, &size) ||
        (line->count == 6 && !is_noreply(line->words[5])))
        return invalid(request, bad_format);
    request->flags = (uint32_t)flags;
    request->is_silent = line->count == 6;
    if (size > MEMCACHE_VALUE_MAX) {
        request->skip = (size_t)size + 2;
        return MEMCACHE_DONE;
    }
    request->value = (struct slice){rest.data, (size_t)size};
    for (size_t i = 0; i < 2; i++) {
        if (rest.length <= (size_t)size + i)
            return MEMCACHE_MORE;
        if (rest.data[(size_t)size + i] != "\r\n"[i])
            return invalid(request, "CLIENT_ERROR bad data chunk");
    }
    request->taken += (size_t)size + 2;
    return MEMCACHE_DONE;
}

/* delete KEY [0] [noreply] */
static enum memcache_parse parse_delete(const struct line *line,
                                        struct memcache_request *request)
{
    size_t next = 2;
    if (next < line->count && slice_equals(line->words[next], SLICE_LITERAL("0")))
        next++;
    if (next < line->count && is_noreply(line->words[next])) {
        request->is_silent = true;
        next++;
    }
    return next == line->count ? MEMCACHE_DONE : invalid(request, bad_format);
}

static enum memcache_parse parse_line(const struct line *line, struct slice rest,
                                      struct memcache_request *request)
{
    const struct command_row *row = NULL;
    for (size_t i = 0; i < sizeof(command_table) / sizeof(command_table[0]) && !row; i++)
        if (line->count > 0 && slice_equals(line->words[0], command_table[i].name))
            row = &command_table[i];
    if (!row)
        return invalid(request, "ERROR");
    request->command = row->command;
    if (row->has_key) {
        if (line->count < 2 || line->words[1].length > MEMCACHE_KEY_MAX)
            return invalid(request, bad_format);
        request->key = line->words[1];
    }
    if (row->has_value)
        return parse_value(line, rest, request);
    if (row->command == MEMCACHE_DELETE)
        return parse_delete(line, request);
    return line->count == (row->has_key ? 2 : 1) ? MEMCACHE_DONE : invalid(request, bad_format);
}

enum memcache_parse memcache_request_parse(const char *data, size_t length,
                                           struct memcache_request *request_r)
{
    size_t limit = length < MEMCACHE_LINE_MAX ? length : MEMCACHE_LINE_MAX;
    const char *newline = length > 0 ? memchr(data, '\n', limit) : NULL;
    struct line line;

    *request_r = (struct memcache_request){.command = MEMCACHE_QUIT};
    /* What is no command is not waited for the end of. */
    if (length > 0 && (data[0] < 'a' || data[0] > 'z'))
        return invalid(request_r, "ERROR");
    if (!newline)
        return limit < MEMCACHE_LINE_MAX ? MEMCACHE_MORE
                                         : invalid(request_r, "CLIENT_ERROR line too long");
    size_t end = (size_t)(newline - data);
    request_r->taken = end + 1;
    if (end > 0 && data[end - 1] == '\r')
        end--;
    if (!split((struct slice){data, end}, &line))
        return invalid(request_r, bad_format);
    return parse_line(&line, (struct slice){newline + 1, length - request_r->taken}, request_r);
}

int64_t memcache_expire_s(int64_t exptime, int64_t maximum_s, int64_t wall_s)
{
    if (exptime == 0)
        return maximum_s;
    if (exptime >= CENTURY_BEGINS_S)
        exptime -= wall_s;
    if (exptime <= 0)
        return 0;
    return exptime < maximum_s ? exptime : maximum_s;
}

bool memcache_reply_value(struct buffer *buffer, struct slice key, uint32_t flags,
                          struct slice value)
{
    static const char end[] = "\r\nEND\r\n";
    char numbers[40];
    size_t echo = key.length < MEMCACHE_ECHO_MAX ? key.length : MEMCACHE_ECHO_MAX;
    int length =
        snprintf(numbers, sizeof(numbers), " %lu %zu\r\n", (unsigned long)flags, value.length);
    if (6 + echo + (size_t)length + value.length + sizeof(end) - 1 >
        buffer->maximum - buffer->length)
        return false;
    return buffer_append(buffer, "VALUE ", 6) && buffer_append(buffer, key.data, echo) &&
           buffer_append(buffer, numbers, (size_t)length) &&
           buffer_append(buffer, value.data, value.length) &&
           buffer_append(buffer, end, sizeof(end) - 1);
}
