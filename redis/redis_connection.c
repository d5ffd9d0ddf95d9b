#include "redis/redis_connection.h"

#include "common/client_record.h"
#include "common/memory.h"
#include "common/redis_command.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE        16384
#define DIGEST_SIZE      40 /* SHA-1 in hex */
#define LOGIN_MAX        3
#define LOGIN_SIZE       (4096 + REDIS_COMMAND_SCRIPT_SIZE) /* user and password, the script */
#define OUTPUT_KEEP_SIZE 65536

enum login_command { LOGIN_AUTH, LOGIN_SELECT, LOGIN_SCRIPT };

struct redis_connection {
    int fd;           /* -1: closed */
    bool has_written; /* so the connection stands */
    redisReader *reader;

    char *output; /* what is still to be sent lies from output_start on */
    size_t output_start, output_length, output_size;

    /* The reply being built: its structs in the order in which they come, its text. Both may
     * move while they grow: until the reply is complete, text holds offsets. */
    struct redis_reply *items;
    size_t item_count, items_size;
    char *text;
    size_t text_length, text_size;

    enum login_command login[LOGIN_MAX];
    int login_count, login_index;
    char digest[DIGEST_SIZE];
    bool has_digest;
};

struct redis_connection *redis_connection_create(void)
{
    struct redis_connection *connection = memory_allocate(1, sizeof(*connection));
    connection->fd = -1;
    return connection;
}

void redis_connection_free(struct redis_connection *connection)
{
    if (!connection)
        return;
    redis_connection_close(connection);
    free(connection->output);
    free(connection->items);
    free(connection->text);
    free(connection);
}

/* -- replies ------------------------------------------------------------------------------ */

static size_t grown_size(size_t size, size_t needed)
{
    size_t grown = size ? size : 64;
    while (grown < needed)
        grown *= 2;
    return grown;
}

/* NULL, which the reader takes for a lack of memory: the reply is too large. */
static struct redis_reply *add_item(const redisReadTask *task, enum redis_reply_type type)
{
    struct redis_connection *connection = task->privdata;
    if (!task->parent)
        connection->item_count = connection->text_length = 0;
    if (connection->item_count == REDIS_REPLY_ITEMS_MAX)
        return NULL;
    if (connection->item_count == connection->items_size) {
        connection->items_size = grown_size(connection->items_size, connection->item_count + 1);
        connection->items = memory_resize(connection->items, connection->items_size,
                                          sizeof(connection->items[0]));
    }
    struct redis_reply *item = &connection->items[connection->item_count++];
    *item = (struct redis_reply){.type = type, .span = 1};
    return item;
}

static void *create_text(const redisReadTask *task, char *text, size_t length)
{
    struct redis_connection *connection = task->privdata;
    struct redis_reply *item = add_item(
        task, task->type == REDIS_REPLY_ERROR ? REDIS_REPLY_IS_ERROR : REDIS_REPLY_IS_TEXT);
    if (!item || length > REDIS_REPLY_MAX - connection->text_length)
        return NULL;
    size_t needed = connection->text_length + length;
    if (needed > connection->text_size) {
        connection->text_size = grown_size(connection->text_size, needed);
        connection->text = memory_resize(connection->text, connection->text_size, 1);
    }
    if (length)
        memcpy(connection->text + connection->text_length, text, length);
    item->text.length = length; /* its start follows from the texts before it */
    connection->text_length = needed;
    return connection;
}

static void *create_list(const redisReadTask *task, int count)
{
    struct redis_connection *connection = task->privdata;
    struct redis_reply *item = add_item(task, REDIS_REPLY_IS_LIST);
    if (!item || count > REDIS_REPLY_ITEMS_MAX)
        return NULL;
    item->count = (uint32_t)count;
    return connection;
}

static void *create_integer(const redisReadTask *task, long long integer)
{
    struct redis_reply *item = add_item(task, REDIS_REPLY_IS_INTEGER);
    if (!item)
        return NULL;
    item->integer = integer;
    return task->privdata;
}

static void *create_nil(const redisReadTask *task)
{
    return add_item(task, REDIS_REPLY_IS_NIL) ? task->privdata : NULL;
}

static void free_nothing(void *reply)
{
    (void)reply;
}

static redisReplyObjectFunctions reply_functions = {create_text, create_list, create_integer,
                                                    create_nil, free_nothing};

/* Texts get their places, lists the span of what is inside them: from the end, as the items of
 * a list follow it. */
static void finish_reply(struct redis_connection *connection)
{
    size_t text_end = connection->text_length;
    for (size_t i = connection->item_count; i-- > 0;) {
        struct redis_reply *item = &connection->items[i];
        text_end -= item->text.length;
        if (item->text.length)
            item->text.data = connection->text + text_end;
        const struct redis_reply *inner = item + 1;
        for (uint32_t left = item->count; left > 0; left--)
            inner = redis_reply_next(inner);
        item->span = (uint32_t)(inner - item);
    }
}

enum redis_io redis_connection_reply(struct redis_connection *connection,
                                     const struct redis_reply **reply_r, struct error *error)
{
    void *reply = NULL;
    if (redisReaderGetReply(connection->reader, &reply) != REDIS_OK) {
        error_set(error, "%s",
                  connection->reader->err == REDIS_ERR_OOM ? "the reply is too large"
                                                           : connection->reader->errstr);
        return REDIS_IO_FAILED;
    }
    if (!reply)
        return REDIS_IO_AGAIN;
    finish_reply(connection);
    *reply_r = connection->items;
    return REDIS_IO_DONE;
}

/* -- the socket --------------------------------------------------------------------------- */

static bool set_connect_error(struct error *error, int number)
{
    if (number == EAGAIN) /* unix(7): the listen queue is full */
        return error_set(error, "it accepts no connections");
    return error_set(error, "%s", strerror(number));
}

bool redis_connection_open(struct redis_connection *connection,
                           const struct name_address *address, struct error *error)
{
    int family = address->socket_address.any.sa_family, on = 1;

    redis_connection_close(connection);
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return set_connect_error(error, errno);
    if (family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    if (connect(fd, &address->socket_address.any, address->length) != 0 &&
        errno != EINPROGRESS) {
        set_connect_error(error, errno);
        close(fd);
        return false;
    }
    connection->fd = fd;
    connection->reader = redisReaderCreateWithFunctions(&reply_functions);
    if (!connection->reader) {
        redis_connection_close(connection);
        return error_set(error, "out of memory");
    }
    connection->reader->privdata = connection;
    return true;
}

void redis_connection_close(struct redis_connection *connection)
{
    if (connection->fd < 0)
        return;
    close(connection->fd);
    redisReaderFree(connection->reader);
    connection->fd = -1;
    connection->reader = NULL;
    connection->has_written = connection->has_digest = false;
    connection->output_start = connection->output_length = 0;
    connection->login_count = connection->login_index = 0;
    if (connection->output_size > OUTPUT_KEEP_SIZE) {
        free(connection->output);
        connection->output = NULL;
        connection->output_size = 0;
    }
}

bool redis_connection_is_open(const struct redis_connection *connection)
{
    return connection->fd >= 0;
}

int redis_connection_fd(const struct redis_connection *connection)
{
    return connection->fd;
}

bool redis_connection_is_stale(const struct redis_connection *connection)
{
    char byte;
    ssize_t length = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return length >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool redis_connection_send(struct redis_connection *connection, struct slice bytes)
{
    size_t needed = connection->output_length + bytes.length;
    if (bytes.length > REDIS_OUTPUT_MAX || needed - connection->output_start > REDIS_OUTPUT_MAX)
        return false;
    if (needed > connection->output_size) {
        connection->output_size = grown_size(connection->output_size, needed);
        connection->output = memory_resize(connection->output, connection->output_size, 1);
    }
    memcpy(connection->output + connection->output_length, bytes.data, bytes.length);
    connection->output_length = needed;
    return true;
}

static enum redis_io fail(const struct redis_connection *connection, int number,
                          enum redis_trouble *trouble_r, struct error *error)
{
    *trouble_r = connection->has_written ? REDIS_TROUBLE_CLOSED : REDIS_TROUBLE_CONNECT;
    if (number)
        set_connect_error(error, number);
    else
        error_set(error, "end of connection");
    return REDIS_IO_FAILED;
}

enum redis_io redis_connection_flush(struct redis_connection *connection,
                                     enum redis_trouble *trouble_r, struct error *error)
{
    while (connection->output_start < connection->output_length) {
        ssize_t written =
            send(connection->fd, connection->output + connection->output_start,
                 connection->output_length - connection->output_start, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            /* What has been sent makes room, before the buffer grows. */
            size_t left = connection->output_length - connection->output_start;
            memmove(connection->output, connection->output + connection->output_start, left);
            connection->output_start = 0;
            connection->output_length = left;
            return REDIS_IO_AGAIN;
        }
        if (written < 0 && errno != EPIPE && errno != ECONNRESET)
            return fail(connection, errno, trouble_r, error);
        connection->has_written = true;
        if (written < 0)
            break; /* the server ended it: what it said last is still to be read */
        connection->output_start += (size_t)written;
    }
    connection->output_start = connection->output_length = 0;
    return REDIS_IO_DONE;
}

enum redis_io redis_connection_read(struct redis_connection *connection,
                                    enum redis_trouble *trouble_r, struct error *error)
{
    char buffer[READ_SIZE];
    ssize_t length;
    do
        length = recv(connection->fd, buffer, sizeof(buffer), 0);
    while (length < 0 && errno == EINTR);
    if (length < 0 && errno == EAGAIN)
        return REDIS_IO_AGAIN;
    if (length <= 0)
        return fail(connection, length < 0 ? errno : 0, trouble_r, error);
    *trouble_r = REDIS_TROUBLE_PROTOCOL;
    if (redisReaderFeed(connection->reader, buffer, (size_t)length) != REDIS_OK) {
        error_set(error, "%s", connection->reader->errstr);
        return REDIS_IO_FAILED;
    }
    if (connection->reader->len - connection->reader->pos > REDIS_REPLY_MAX + READ_SIZE) {
        error_set(error, "the reply is too large");
        return REDIS_IO_FAILED;
    }
    return length == sizeof(buffer) ? REDIS_IO_DONE : REDIS_IO_AGAIN;
}

/* -- login -------------------------------------------------------------------------------- */

static bool has_text(const char *string)
{
    return string && string[0];
}

static void add_login(struct redis_connection *connection, struct redis_command *command,
                      enum login_command kind, const char *const words[], size_t count)
{
    redis_command_begin(command, count);
    for (size_t i = 0; i < count; i++)
        redis_command_add(command, slice_from_string(words[i]));
    connection->login[connection->login_count++] = kind;
}

int redis_connection_login(struct redis_connection *connection,
                           const struct redis_settings *settings)
{
    char buffer[LOGIN_SIZE], database[24];
    struct redis_command command = REDIS_COMMAND(buffer);
    const char *user[] = {"AUTH", settings->username, settings->password};
    const char *password[] = {"AUTH", settings->password};
    const char *select[] = {"SELECT", database};
    const char *script[] = {"SCRIPT", "LOAD", client_record_script};

    connection->login_count = connection->login_index = 0;
    if (has_text(settings->username))
        add_login(connection, &command, LOGIN_AUTH, user, 3);
    else if (has_text(settings->password))
        add_login(connection, &command, LOGIN_AUTH, password, 2);
    if (settings->database != 0) {
        snprintf(database, sizeof(database), "%lld", (long long)settings->database);
        add_login(connection, &command, LOGIN_SELECT, select, 2);
    }
    add_login(connection, &command, LOGIN_SCRIPT, script, 3);
    redis_connection_send(connection, (struct slice){command.data, command.length});
    return connection->login_count;
}

/* The script may be forbidden to a user who only reads. */
static enum redis_trouble take_digest(struct redis_connection *connection,
                                      const struct redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_IS_ERROR) {
        enum redis_trouble trouble = redis_trouble_from_reply(reply->text);
        bool is_of_script = trouble == REDIS_TROUBLE_COMMAND ||
                            trouble == REDIS_TROUBLE_PERMISSION ||
                            redis_trouble_is_of_writes(trouble);
        return is_of_script ? REDIS_TROUBLE_NONE : trouble;
    }
    if (reply->type != REDIS_REPLY_IS_TEXT || reply->text.length != DIGEST_SIZE)
        return REDIS_TROUBLE_PROTOCOL;
    memcpy(connection->digest, reply->text.data, DIGEST_SIZE);
    connection->has_digest = true;
    return REDIS_TROUBLE_NONE;
}

enum redis_trouble redis_connection_login_reply(struct redis_connection *connection,
                                                const struct redis_reply *reply)
{
    enum login_command kind = connection->login[connection->login_index++];
    if (kind == LOGIN_SCRIPT)
        return take_digest(connection, reply);
    if (reply->type != REDIS_REPLY_IS_ERROR)
        return REDIS_TROUBLE_NONE;
    enum redis_trouble trouble = redis_trouble_from_reply(reply->text);
    if (trouble != REDIS_TROUBLE_COMMAND)
        return trouble;
    return kind == LOGIN_AUTH ? REDIS_TROUBLE_PASSWORD : REDIS_TROUBLE_DATABASE;
}

struct slice redis_connection_script_digest(const struct redis_connection *connection)
{
    return (struct slice){connection->digest, connection->has_digest ? DIGEST_SIZE : 0};
}
