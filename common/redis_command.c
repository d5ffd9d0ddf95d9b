#include "common/redis_command.h"

#include <stdio.h>
#include <string.h>

/* "*" or "$", a number, CR LF */
#define HEADER_SIZE 24
#define NUMBER_SIZE 24

static void put(struct redis_command *command, const char *bytes, size_t length)
{
    if (command->is_overflown || length > command->size - command->length) {
        command->is_overflown = true;
        return;
    }
    if (length)
        memcpy(command->data + command->length, bytes, length);
    command->length += length;
}

static size_t format_number(uint64_t number, char *end)
{
    size_t length = 0;
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
        length++;
    } while (number);
    return length;
}

static void put_header(struct redis_command *command, char type, size_t number)
{
    char text[HEADER_SIZE], *end = text + sizeof(text) - 2;
    memcpy(end, "\r\n", 2);
    size_t length = format_number(number, end);
    *(end - length - 1) = type;
    put(command, end - length - 1, length + 3);
}

void redis_command_begin(struct redis_command *command, size_t argument_count)
{
    put_header(command, '*', argument_count);
}

void redis_command_add(struct redis_command *command, struct slice argument)
{
    put_header(command, '$', argument.length);
    put(command, argument.data, argument.length);
    put(command, "\r\n", 2);
}

static void add_text(struct redis_command *command, const char *text)
{
    redis_command_add(command, slice_from_string(text));
}

static void add_number(struct redis_command *command, int64_t number)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof(text), "%lld", (long long)number);
    add_text(command, text);
}

void redis_command_read_hash(struct redis_command *command, struct slice key)
{
    static const char begin[] = "*2\r\n$7\r\nHGETALL\r\n";
    put(command, begin, sizeof(begin) - 1);
    redis_command_add(command, key);
}

void redis_command_read_text(struct redis_command *command, struct slice key)
{
    redis_command_begin(command, 2);
    add_text(command, "GET");
    redis_command_add(command, key);
}

void redis_command_write_text(struct redis_command *command, struct slice key,
                              struct slice text, int64_t expire_s)
{
    redis_command_begin(command, 5);
    add_text(command, "SET");
    redis_command_add(command, key);
    redis_command_add(command, text);
    if (expire_s > 0) {
        add_text(command, "EX");
        add_number(command, expire_s);
    } else {
        add_text(command, "XX");
        add_text(command, "KEEPTTL");
    }
}

void redis_command_write_hash(struct redis_command *command, struct slice key,
                              const struct redis_field *fields, size_t count, int64_t expire_s)
{
    redis_command_begin(command, 2 + 2 * count);
    add_text(command, "HSET");
    redis_command_add(command, key);
    for (size_t i = 0; i < count; i++) {
        redis_command_add(command, fields[i].name);
        redis_command_add(command, fields[i].value);
    }
    redis_command_begin(command, 3);
    add_text(command, "EXPIRE");
    redis_command_add(command, key);
    add_number(command, expire_s);
}

void redis_command_update_client(struct redis_command *command, struct slice digest,
                                 struct slice key, const struct session_outcome *outcome,
                                 int64_t expire_s)
{
    struct client_record_arguments arguments;
    client_record_format_arguments(outcome, expire_s, &arguments);

    redis_command_begin(command, 4 + CLIENT_RECORD_ARGUMENTS);
    add_text(command, digest.length ? "EVALSHA" : "EVAL");
    redis_command_add(command,
                      digest.length ? digest : slice_from_string(client_record_script));
    add_text(command, "1");
    redis_command_add(command, key);
    for (size_t i = 0; i < CLIENT_RECORD_ARGUMENTS; i++)
        add_text(command, arguments.text[i]);
}
