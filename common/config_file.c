/* The configuration from disk; everything else about it is in config.c and touches no file. */
#include "common/config.h"

#include "common/error_list.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_SIZE 1024 /* bytes of the password file's first line, with its end */

/* Reads up to size bytes; the number read, or -1 with errno. */
static ssize_t read_up_to(int file_descriptor, char *out, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(file_descriptor, out + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

/* As read_up_to(). Only a regular file: a FIFO or terminal could keep us waiting forever. */
static ssize_t read_file(const char *path, char *out, size_t size, struct error *error)
{
    struct stat status;
    ssize_t length = -1;
    int file_descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file_descriptor < 0 || fstat(file_descriptor, &status) != 0)
        error_set(error, "%s", strerror(errno));
    else if (!S_ISREG(status.st_mode))
        error_set(error, "not a regular file");
    else if ((length = read_up_to(file_descriptor, out, size)) < 0)
        error_set(error, "%s", strerror(errno));
    if (file_descriptor >= 0)
        close(file_descriptor);
    return length;
}

static bool read_password(const char *file, struct redis_settings *redis,
                          struct error_list *errors)
{
    static const char key[] = "redis.password_file";
    char text[PASSWORD_SIZE];
    struct error error;
    ssize_t size = read_file(redis->password_file, text, sizeof(text), &error);
    if (size < 0) {
        error_list_add(errors, "%s: %s: %s: %s, allowed: a file that can be read", file, key,
                       redis->password_file, error.text);
        return false;
    }
    const char *end = memchr(text, '\n', (size_t)size);
    size_t length = end ? (size_t)(end - text) : (size_t)size;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length == 0 || length == sizeof(text) || memchr(text, '\0', length)) {
        error_list_add(errors, "%s: %s: %s: first line is %s, allowed: 1 to %d bytes", file,
                       key, redis->password_file,
                       length == 0 ? "empty" : "too long or has a zero byte",
                       PASSWORD_SIZE - 1);
        return false;
    }
    text[length] = '\0';
    free(redis->password);
    redis->password = memory_copy_string(text);
    explicit_bzero(text, sizeof(text));
    return true;
}

struct config *config_load(const char *file, struct error_list *errors)
{
    struct error error;
    size_t size = CONFIG_SIZE_MAX + 1; /* one more, to notice a file that is too long */
    char *text = memory_allocate(size, 1);
    ssize_t length = read_file(file, text, size, &error);
    if (length < 0) {
        error_list_add(errors, "%s: %s", file, error.text);
        free(text);
        return NULL;
    }
    struct config *config = config_load_text(file, text, (size_t)length, errors);
    free(text);
    if (config && config->redis.password_file[0] != '\0' &&
        !read_password(file, &config->redis, errors)) {
        config_free(config);
        return NULL;
    }
    return config;
}
