/* The configuration from disk: which files are read, and the password file. */
#include "common/config.h"
#include "common/error_list.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/pvXXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(path_of(name), "wb");
    if (!file || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        abort();
}

/* The message without the directory of the test, which is another one every time. */
static const char *first_problem(const struct error_list *errors)
{
    static char out[sizeof(errors->errors[0].text)];
    const char *text = errors->count > 0 ? errors->errors[0].text : "";
    size_t length = 0;
    while (*text) {
        if (strncmp(text, directory, strlen(directory)) == 0)
            text += strlen(directory) + 1;
        else
            out[length++] = *text++;
    }
    out[length] = '\0';
    return out;
}

static void is_refused(const char *name, const char *problem)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load(path_of(name), &errors);
    ok(!config, "%s is refused", name);
    is_number(errors.count, 1, "... for one reason");
    is_string(first_problem(&errors), problem, "... namely");
    config_free(config);
}

static void test_files(void)
{
    struct error_list errors;
    error_list_init(&errors);
    write_file("good", "{\"mode\": \"off\"}", 15);
    struct config *config = config_load(path_of("good"), &errors);
    ok(config && config->admission.mode == MODE_OFF, "a file is loaded");
    config_free(config);

    is_refused("missing", "missing: No such file or directory");
    is_refused("", ": not a regular file");
    if (mkfifo(path_of("fifo"), 0600) != 0)
        abort();
    is_refused("fifo", "fifo: not a regular file");
    write_file("empty", "", 0);
    is_refused("empty",
               "empty: line 1, column 0: not JSON: '[' or '{' expected near end of file");

    char *text = malloc(CONFIG_SIZE_MAX + 10);
    if (!text)
        abort();
    memset(text, ' ', CONFIG_SIZE_MAX + 10);
    write_file("large", text, CONFIG_SIZE_MAX + 10);
    is_refused("large", "large: 1048577 bytes, allowed: at most 1048576");
    free(text);
}

static void configure_password_file(const char *name)
{
    char text[512];
    int length = snprintf(text, sizeof(text),
                          "{\"redis\": {\"password\": \"old\", \"password_file\": \"%s\"}}",
                          path_of(name));
    write_file("config", text, (size_t)length);
}

static void password_is(const char *content, size_t length, const char *password)
{
    struct error_list errors;
    error_list_init(&errors);
    write_file("secret", content, length);
    configure_password_file("secret");
    struct config *config = config_load(path_of("config"), &errors);
    if (ok(config != NULL, "a password file of %zu bytes", length))
        is_string(config->redis.password, password, "... whose first line is the password");
    config_free(config);
}

static void password_is_refused(const char *content, size_t length, const char *problem)
{
    write_file("secret", content, length);
    configure_password_file("secret");
    is_refused("config", problem);
}

static void test_password_file(void)
{
    static char long_line[2000];
    memset(long_line, 'x', sizeof(long_line));

    password_is("Geheim 1", 8, "Geheim 1");
    password_is("Geheim\nmore\n", 12, "Geheim");
    password_is("Geheim\r\n", 8, "Geheim");
    password_is("\xc3\xa9\n", 3, "\xc3\xa9");
    password_is_refused(
        "", 0,
        "config: redis.password_file: secret: first line is empty, allowed: 1 to "
        "1023 bytes");
    password_is_refused(
        "\nGeheim", 7,
        "config: redis.password_file: secret: first line is empty, allowed: 1 to "
        "1023 bytes");
    password_is_refused(long_line, 1024,
                        "config: redis.password_file: secret: first line is too long or has a "
                        "zero byte, allowed: 1 to 1023 bytes");
    password_is_refused("a\0b\n", 4,
                        "config: redis.password_file: secret: first line is too long or has a "
                        "zero byte, allowed: 1 to 1023 bytes");
    configure_password_file("missing");
    is_refused("config", "config: redis.password_file: missing: No such file or directory, "
                         "allowed: a file that can be read");
    configure_password_file("fifo");
    is_refused("config",
               "config: redis.password_file: fifo: not a regular file, allowed: a file "
               "that can be read");
}

static void remove_files(void)
{
    static const char *const names[] = {"good",   "fifo",   "empty", "large",
                                        "config", "secret", NULL};
    for (int i = 0; names[i]; i++)
        unlink(path_of(names[i]));
    rmdir(directory);
}

int main(void)
{
    if (!mkdtemp(directory))
        abort();
    test_files();
    test_password_file();
    remove_files();
    return done_testing();
}
