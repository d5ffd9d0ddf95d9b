#include "common/http_request.h"

#include "common/address.h"
#include "common/config.h"
#include "common/number.h"
#include "common/utf8.h"

#include <string.h>

#define METHOD_MAX 16
#define LENGTH_MAX 1000000000

struct head {
    struct http_request request;
    int minor;      /* of the version, 1.x */
    int host_count; /* headers of this name */
    int status;     /* 0: good so far */
};

static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token_character(text.data[i]))
            return false;
    return text.length > 0;
}

/* -- the first line ----------------------------------------------------------------------- */

/* Up to the next space, which is taken as well. */
static struct slice take_word(struct slice *line)
{
    const char *space = line->length > 0 ? memchr(line->data, ' ', line->length) : NULL;
    size_t length = space ? (size_t)(space - line->data) : line->length;
    struct slice word = {line->data, length};
    size_t taken = space ? length + 1 : length;
    *line = (struct slice){line->data + taken, line->length - taken};
    return word;
}

static int parse_target(struct slice target, struct http_request *request)
{
    if (target.length > HTTP_TARGET_MAX)
        return 414;
    if (target.length == 0 || target.data[0] != '/')
        return 400;
    for (size_t i = 0; i < target.length; i++)
        if (target.data[i] <= ' ' || target.data[i] > '~')
            return 400;
    const char *mark = memchr(target.data, '?', target.length);
    size_t path = mark ? (size_t)(mark - target.data) : target.length;
    request->path = (struct slice){target.data, path};
    request->query = mark ? (struct slice){mark + 1, target.length - path - 1}
                          : (struct slice){target.data + path, 0};
    return 0;
}

static int parse_version(struct slice version, int *minor_r)
{
    if (version.length != 8 || memcmp(version.data, "HTTP/", 5) != 0 ||
        version.data[6] != '.' || version.data[7] < '0' || version.data[7] > '9')
        return 400;
    *minor_r = version.data[7] - '0';
    return version.data[5] == '1' ? 0 : 505;
}

static int parse_request_line(struct slice line, struct head *head)
{
    struct slice method = take_word(&line), target = take_word(&line);
    if (!is_token(method) || method.length > METHOD_MAX)
        return 400;
    head->request.is_head = slice_equals(method, SLICE_LITERAL("HEAD"));
    int status = parse_version(line, &head->minor);
    if (status != 0)
        return status;
    if (!head->request.is_head && !slice_equals(method, SLICE_LITERAL("GET")))
        return 405;
    head->request.is_keep_alive = head->minor > 0;
    return parse_target(target, &head->request);
}

/* -- headers ------------------------------------------------------------------------------ */

static struct slice trim(struct slice text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct slice){text.data + 1, text.length - 1};
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static int take_host(struct slice value, struct head *head)
{
    head->request.host = value;
    return ++head->host_count == 1 ? 0 : 400;
}

static int take_connection(struct slice value, struct head *head)
{
    while (value.length > 0) {
        const char *comma = memchr(value.data, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.data) : value.length;
        struct slice option = trim((struct slice){value.data, length});
        if (slice_equals_ignoring_case(option, SLICE_LITERAL("close")))
            head->request.is_keep_alive = false;
        size_t taken = comma ? length + 1 : length;
        value = (struct slice){value.data + taken, value.length - taken};
    }
    return 0;
}

static int take_content_length(struct slice value, struct head *head)
{
    int64_t length;
    (void)head;
    if (!number_parse(value, LENGTH_MAX, &length))
        return 400;
    return length == 0 ? 0 : 413;
}

static int take_transfer_encoding(struct slice value, struct head *head)
{
    (void)value;
    (void)head;
    return 413;
}

static const struct {
    struct slice name;
    int (*take)(struct slice value, struct head *head); /* 0, or the status to refuse with */
} header_table[] = {
    {{"host", 4}, take_host},
    {{"connection", 10}, take_connection},
    {{"content-length", 14}, take_content_length},
    {{"transfer-encoding", 17}, take_transfer_encoding},
};

static int parse_header(struct slice line, struct head *head)
{
    const char *colon = memchr(line.data, ':', line.length);
    struct slice name = {line.data, colon ? (size_t)(colon - line.data) : 0};
    if (!is_token(name))
        return 400;
    struct slice value = trim((struct slice){colon + 1, line.length - name.length - 1});
    for (size_t i = 0; i < value.length; i++)
        if (((unsigned char)value.data[i] < ' ' && value.data[i] != '\t') ||
            value.data[i] == 0x7f)
            return 400;
    for (size_t i = 0; i < sizeof(header_table) / sizeof(header_table[0]); i++)
        if (slice_equals_ignoring_case(name, header_table[i].name))
            return header_table[i].take(value, head);
    return 0;
}

/* -- the whole ---------------------------------------------------------------------------- */

/* The next line, without its end. False: it has none yet. */
static bool take_line(struct slice *rest, struct slice *line_r)
{
    const char *end = rest->length > 0 ? memchr(rest->data, '\n', rest->length) : NULL;
    if (!end)
        return false;
    size_t length = (size_t)(end - rest->data);
    *line_r = (struct slice){rest->data, length};
    if (length > 0 && rest->data[length - 1] == '\r')
        line_r->length--;
    *rest = (struct slice){rest->data + length + 1, rest->length - length - 1};
    return true;
}

static enum http_parse refuse(const struct head *head, int status,
                              struct http_request *request_r, int *status_r)
{
    *request_r = (struct http_request){.is_head = head->request.is_head};
    *status_r = status;
    return HTTP_REFUSED;
}

/* A first line that cannot become a request is refused before it ends. */
static int look_ahead(struct slice rest)
{
    size_t length = rest.length < METHOD_MAX ? rest.length : METHOD_MAX;
    for (size_t i = 0; i < length && rest.data[i] != ' '; i++)
        if (!is_token_character(rest.data[i]) && rest.data[i] != '\r')
            return 400;
    return rest.length > HTTP_TARGET_MAX + METHOD_MAX + 16 ? 414 : 0;
}

enum http_parse http_request_parse(const char *data, size_t length,
                                   struct http_request *request_r, int *status_r)
{
    struct slice rest = {data, length < HTTP_REQUEST_MAX ? length : HTTP_REQUEST_MAX}, line;
    struct head head = {.minor = 0};
    bool has_first = false;
    while (take_line(&rest, &line)) {
        int status = 0;
        if (line.length > 0 && !has_first) {
            status = parse_request_line(line, &head);
            has_first = true;
        } else if (line.length > 0) {
            status = parse_header(line, &head);
        } else if (has_first) {
            if (head.minor > 0 && head.host_count == 0)
                return refuse(&head, 400, request_r, status_r);
            *request_r = head.request;
            request_r->taken = (size_t)(rest.data - data);
            return HTTP_DONE;
        }
        if (status != 0)
            return refuse(&head, status, request_r, status_r);
    }
    int status = has_first ? 0 : look_ahead(rest);
    if (status == 0 && length >= HTTP_REQUEST_MAX)
        status = 431;
    return status == 0 ? HTTP_MORE : refuse(&head, status, request_r, status_r);
}

/* -- the host ----------------------------------------------------------------------------- */

static bool is_port(struct slice text)
{
    int64_t port;
    return text.length == 0 || number_parse(text, 65535, &port);
}

/* Takes the port off, and the brackets of an IPv6 address. False: it is no host. */
static bool split_host(struct slice host, struct slice *name_r, bool *is_bracketed_r)
{
    if (host.length == 0)
        return false;
    *is_bracketed_r = host.data[0] == '[';
    const char *end = memchr(host.data, *is_bracketed_r ? ']' : ':', host.length);
    if (*is_bracketed_r && !end)
        return false;
    size_t length = end ? (size_t)(end - host.data) : host.length;
    struct slice rest = {host.data + length, host.length - length};
    *name_r = (struct slice){host.data, length};
    if (*is_bracketed_r) {
        *name_r = (struct slice){host.data + 1, length - 1};
        rest = (struct slice){rest.data + 1, rest.length - 1};
    }
    return name_r->length > 0 &&
           (rest.length == 0 ||
            (rest.data[0] == ':' && is_port((struct slice){rest.data + 1, rest.length - 1})));
}

bool http_host_is_ours(struct slice host, const struct string_list *names)
{
    struct slice name;
    struct address address;
    bool is_bracketed;
    if (!split_host(host, &name, &is_bracketed))
        return false;
    if (address_parse(name, &address))
        return true;
    if (is_bracketed)
        return false;
    if (slice_equals_ignoring_case(name, SLICE_LITERAL("localhost")))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (slice_equals_ignoring_case(name, slice_from_string(names->items[i])))
            return true;
    return false;
}

/* -- the query ---------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct slice text, char *out, size_t out_size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int byte = (unsigned char)text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.length ? hex_value(text.data[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text.data[i + 2]) : -1;
            if (low < 0)
                return false;
            byte = high * 16 + low;
            i += 2;
        } else if (byte == '+') {
            byte = ' ';
        }
        if (byte < ' ' || byte == 0x7f || length + 1 >= out_size)
            return false;
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    return utf8_is_valid((struct slice){out, length});
}

/* The value as it was sent. False: no such parameter. */
static bool find_parameter(struct slice query, const char *name, struct slice *value_r)
{
    size_t name_length = strlen(name);
    while (query.length > 0) {
        const char *mark = memchr(query.data, '&', query.length);
        size_t length = mark ? (size_t)(mark - query.data) : query.length;
        if (length > name_length && memcmp(query.data, name, name_length) == 0 &&
            query.data[name_length] == '=') {
            *value_r = (struct slice){query.data + name_length + 1, length - name_length - 1};
            return true;
        }
        size_t taken = mark ? length + 1 : length;
        query = (struct slice){query.data + taken, query.length - taken};
    }
    return false;
}

bool http_query_has(struct slice query, const char *name)
{
    struct slice value;
    return find_parameter(query, name, &value);
}

bool http_query_get(struct slice query, const char *name, char *out, size_t out_size)
{
    struct slice value;
    return find_parameter(query, name, &value) && decode(value, out, out_size);
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Error";
}
