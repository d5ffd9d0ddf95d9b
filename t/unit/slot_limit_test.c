/* The slot limit as the installed postconf(1) tells it of private configuration directories. */
#include "host/slot_limit.h"

#include "host/clock.h"
#include "host/subprocess.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static char directory[64];

/* Postfix does not read a file before it is a second old: it may not be whole. */
static void write_file(const char *name, const char *text)
{
    const struct timeval old[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || utimes(path, old) < 0)
        perror(path);
}

static void configure(const char *main_cf, const char *master_cf)
{
    char text[1024];
    snprintf(text, sizeof(text), "compatibility_level = 3.6\n%s", main_cf);
    write_file("main.cf", text);
    write_file("master.cf", master_cf);
}

static const char usual[] =
    "# service type  private unpriv  chroot  wakeup  maxproc command + args\n"
    "smtp       inet  n       -       n       -       30      smtpd\n"
    "  -o syslog_name=postfix/mx\n"
    "submission inet  n       -       n       -       7       smtpd -o "
    "smtpd_sasl_auth_enable=yes\n"
    "smtp       unix  -       -       n       -       99      smtp\n";

static const char defaults[] = "smtp inet n - n - - smtpd\n";

static const char addresses[] = "127.0.0.1:2525 inet n - n - 11 smtpd\n"
                                "[::1]:2525 inet n - n - 4 smtpd\n"
                                "127.0.0.2:smtp inet n - n - 6 smtpd\n"
                                "2526 inet n - n - 5 smtpd\n";

static const char postscreen[] = "smtp inet n - n - 1 postscreen\n"
                                 "smtpd pass - - n - 40 smtpd\n"
                                 "other pass - - n - 41 smtpd\n";

static const struct {
    const char *what;
    const char *main_cf, *master_cf;
    const char *name;
    int port;
    int processes; /* 0: fails */
    bool is_behind_postscreen;
    const char *text; /* in the error or warning */
} table[] = {
    {"usual", "", usual, "smtp", 25, 30, false, ""},
    {"submission", "", usual, "submission", 587, 7, false, ""},
    {"the port counts", "", usual, "smtp", 587, 7, false, ""},
    {"name on another port", "", usual, "submission", 2500, 7, false, "check service.port"},
    {"nothing", "", usual, "mx", 2500, 0, false, "service.slot_limit"},
    {"default", "", defaults, "smtp", 25, 100, false, ""},
    {"default of main.cf", "default_process_limit = 23\n", defaults, "smtp", 25, 23, false, ""},
    {"default by another name", "mine = 24\ndefault_process_limit = $mine\n", defaults, "smtp",
     25, 24, false, ""},
    {"default is no number", "default_process_limit = many\n", defaults, "smtp", 25, 0, false,
     "service.slot_limit"},
    {"by number", "", addresses, "2526", 2526, 5, false, ""},
    {"by address", "", addresses, "127.0.0.1:2525", 2525, 15, false, "2 services"},
    {"by address and name", "", addresses, "smtp", 25, 6, false, ""},
    {"postscreen", "", postscreen, "smtp", 25, 40, true, ""},
    {"postscreen elsewhere", "smtpd_service_name = other\n", postscreen, "smtp", 25, 41, true,
     ""},
    {"postscreen alone", "", "smtp inet n - n - 1 postscreen\n", "smtp", 25, 0, true,
     "pass service \"smtpd\""},
    {"unlimited", "", "smtp inet n - n - 0 smtpd\n", "smtp", 25, 0, false, "stress"},
    {"one", "", "smtp inet n - n - 1 smtpd\n", "smtp", 25, 1, false, "stress=yes"},
    {"no inet service", "", "smtp unix - - n - - smtp\n", "smtp", 25, 0, false, "service.port"},
};

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char name[64];
        struct service_settings settings = {
            .name = name, .port = table[i].port, .postfix_config_directory = directory};
        struct slot_limit limit;
        struct error error = {""};
        snprintf(name, sizeof(name), "%s", table[i].name);
        configure(table[i].main_cf, table[i].master_cf);
        bool is_found = slot_limit_resolve(&settings, &limit, &error);
        if (table[i].processes == 0) {
            ok(!is_found && strstr(error.text, table[i].text), "%s: %s", table[i].what,
               error.text);
            continue;
        }
        ok(is_found && limit.processes == table[i].processes &&
               limit.is_behind_postscreen == table[i].is_behind_postscreen,
           "%s: %d %s", table[i].what, limit.processes, error.text);
        ok(table[i].text[0] ? strstr(limit.warning.text, table[i].text) != NULL
                            : limit.warning.text[0] == '\0',
           "%s: %s", table[i].what,
           limit.warning.text[0] ? limit.warning.text : "without a warning");
    }
}

static void test_without_postconf(void)
{
    char name[] = "smtp", nowhere[] = "/nonexistent";
    struct service_settings settings = {
        .name = name, .port = 25, .slot_limit = 17, .postfix_config_directory = nowhere};
    struct slot_limit limit;
    struct error error = {""};
    ok(slot_limit_resolve(&settings, &limit, &error) && limit.processes == 17,
       "a configured limit needs no Postfix");
    settings.slot_limit = SLOT_LIMIT_AUTO;
    ok(!slot_limit_resolve(&settings, &limit, &error) &&
           strstr(error.text, "/nonexistent/main.cf") &&
           strstr(error.text, "service.slot_limit"),
       "no such directory: %s", error.text);
}

/* Whose processes the slots are, whatever the number of them is. */
static void test_describe(void)
{
    char name[] = "smtp", nowhere[] = "/nonexistent";
    struct service_settings settings = {
        .name = name, .port = 2525, .slot_limit = 17, .postfix_config_directory = directory};
    struct slot_limit limit;
    struct error error = {""};
    configure("queue_directory = /var/spool/mine\n", addresses);
    ok(slot_limit_describe(&settings, &limit, &error) && limit.processes == 17,
       "the configured limit counts");
    is_string(limit.queue_directory, "/var/spool/mine", "queue directory");
    ok(limit.service_count == 2 && strcmp(limit.services[0].type, "inet") == 0, "services");
    is_string(limit.services[1].name, "[::1]:2525", "by name");
    ok(slot_limit_resolve(&settings, &limit, &error) && limit.service_count == 0,
       "not asked for where a number is given");

    settings.port = 25;
    configure("", postscreen);
    ok(slot_limit_describe(&settings, &limit, &error) && limit.is_behind_postscreen &&
           limit.service_count == 1,
       "behind postscreen");
    is_string(limit.services[0].name, "smtpd", "the service behind it");
    is_string(limit.services[0].type, "pass", "its type");

    settings.postfix_config_directory = nowhere;
    ok(slot_limit_describe(&settings, &limit, &error) && limit.processes == 17 &&
           limit.service_count == 0 && !limit.warning.text[0],
       "no such directory: the number counts all the same");
    settings.slot_limit = SLOT_LIMIT_AUTO;
    ok(!slot_limit_describe(&settings, &limit, &error), "without a number: %s", error.text);
}

static void test_subprocess(void)
{
    const char *const sleeper[] = {"/bin/sleep", "20", NULL};
    const char *const talker[] = {"/usr/bin/yes", NULL};
    const char *const closer[] = {"/bin/sh", "-c", "exec >&-; exec sleep 20", NULL};
    const char *const complainer[] = {"/bin/sh", "-c",
                                      "echo first >&2; echo second >&2; exit 3", NULL};
    const char *const writer[] = {"/bin/sh", "-c", "printf 1234567", NULL};
    const char *const nothing[] = {"/nonexistent", NULL};
    char output[8];
    struct error error = {""};
    int64_t start_ms = clock_monotonic_ms();

    ok(!subprocess_run(sleeper, 50, output, sizeof(output), &error), "deadline: %s",
       error.text);
    ok(!subprocess_run(closer, 50, output, sizeof(output), &error), "lingers: %s", error.text);
    ok(clock_monotonic_ms() - start_ms < 5000, "deadlines are kept");
    ok(!subprocess_run(talker, 5000, output, sizeof(output), &error), "flood: %s", error.text);
    ok(!subprocess_run(complainer, 5000, output, sizeof(output), &error) &&
           strstr(error.text, "first") && !strchr(error.text, '\n'),
       "its own words: %s", error.text);
    ok(!subprocess_run(nothing, 5000, output, sizeof(output), &error), "not there: %s",
       error.text);
    ok(subprocess_run(writer, 5000, output, sizeof(output), &error), "exactly fits");
    is_string(output, "1234567", "output");
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/pvXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    test_table();
    test_without_postconf();
    test_describe();
    test_subprocess();
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", directory, i ? "main.cf" : "master.cf");
        unlink(path);
    }
    is_number(rmdir(directory), 0, "nothing is left behind");
    return done_testing();
}
