/* The configuration from disk; everything else about it is in config.c and touches no file. */
#include "common/config.h"

#include "common/memory.h"
#include "common/rbl_reply_map.h"
#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SIZE 1024 /* bytes of the first line of a file with a secret, with its end */

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

/* The first line of a file that keeps a secret, of so many bytes at least, terminated. False:
 * the problem is told. */
static bool read_secret(const char *key, const char *path, size_t minimum,
                        char out[static SECRET_SIZE], const struct setting_problems *problems)
{
    struct error error;
    ssize_t size = read_file(path, out, SECRET_SIZE, &error);
    if (size < 0) {
        error_list_add(problems->errors, "%s: %s: %s: %s, allowed: a file that can be read",
                       problems->file, key, path, error.text);
        return false;
    }
    const char *end = memchr(out, '\n', (size_t)size);
    size_t length = end ? (size_t)(end - out) : (size_t)size;
    if (length > 0 && out[length - 1] == '\r')
        length--;
    if (length < minimum || length == SECRET_SIZE || memchr(out, '\0', length)) {
        error_list_add(problems->errors,
                       "%s: %s: %s: first line is %s, allowed: %zu to %d bytes", problems->file,
                       key, path,
                       length == 0        ? "empty"
                       : length < minimum ? "too short"
                                          : "too long or has a zero byte",
                       minimum, SECRET_SIZE - 1);
        return false;
    }
    out[length] = '\0';
    return true;
}

static void read_password(struct redis_settings *redis, const struct setting_problems *problems)
{
    char text[SECRET_SIZE];
    if (read_secret("redis.password_file", redis->password_file, 1, text, problems)) {
        free(redis->password);
        redis->password = memory_copy_string(text);
    }
    explicit_bzero(text, sizeof(text));
}

static void read_site_key(struct verify_settings *verify,
                          const struct setting_problems *problems)
{
    char text[SECRET_SIZE];
    if (read_secret("verify.key_file", verify->key_file, RECIPIENT_SITE_KEY_MIN, text,
                    problems))
        recipient_site_key_derive(&verify->site_key, slice_from_string(text));
    explicit_bzero(text, sizeof(text));
}

static void read_reply_map(struct rbl_settings *rbl, enum level level,
                           const struct setting_problems *problems)
{
    const char *path = rbl->reply_map_files[level];
    size_t size = RBL_REPLY_MAP_SIZE_MAX + 1;
    char *text = memory_allocate(size, 1);
    struct error error;
    ssize_t length = read_file(path, text, size, &error);
    if (length < 0)
        error_list_add(problems->errors,
                       "%s: rbl.reply_maps.%s: %s: %s, allowed: a file that can be read",
                       problems->file, level_name(level), path, error.text);
    else
        rbl->reply_maps[level] = rbl_reply_map_parse(path, (struct slice){text, (size_t)length},
                                                     (int)rbl->code, problems->errors);
    free(text);
}

static void read_named_files(struct config *config, const struct setting_problems *problems)
{
    if (config->redis.password_file[0] != '\0')
        read_password(&config->redis, problems);
    if (config->verify.key_file[0] != '\0')
        read_site_key(&config->verify, problems);
    for (enum level level = LEVEL_CALM; level < LEVEL_COUNT; level++)
        if (config->rbl.reply_map_files[level][0] != '\0')
            read_reply_map(&config->rbl, level, problems);
}

struct config *config_load(const char *file, struct error_list *errors)
{
    struct error error;
    size_t size = CONFIG_SIZE_MAX + 1; /* one more, to notice a file that is too long */
    char *text = memory_allocate(size, 1);
    ssize_t length = read_file(file, text, size, &error);
    struct config *config = NULL;
    if (length < 0)
        error_list_add(errors, "%s: %s", file, error.text);
    else
        config = config_load_with(file, (struct slice){text, (size_t)length}, read_named_files,
                                  errors);
    free(text);
    return config;
}
