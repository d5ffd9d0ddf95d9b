/*
 * postvalvectl postfix-stress: Postfix's own switch (STRESS_README, "Forcing stress-adaptive
 * behavior on or off"), for who wants Postfix itself to act as under stress.
 *
 * master.cf is changed by postconf(1) alone. What it was is kept beside it, and so is what it
 * became: if nobody changed it in between, taking it back gives the very same file.
 */
#include "common/buffer.h"
#include "common/config.h"
#include "ctl/commands.h"
#include "host/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM_MS    20000 /* postconf waits when a file is very new; reload checks all */
#define OUTPUT_SIZE   8192
#define MASTER_CF_MAX 1048576

struct actuator {
    const struct config *config;
    const char *directory, *service;
    char master_cf[PATH_MAX], before[PATH_MAX], after[PATH_MAX];
};

static void actuator_init(struct actuator *actuator, const struct config *config)
{
    const struct service_settings *service = &config->services.items[0];
    actuator->config = config;
    actuator->directory = service->postfix_config_directory;
    actuator->service = service->name;
    snprintf(actuator->master_cf, PATH_MAX, "%s/master.cf", actuator->directory);
    snprintf(actuator->before, PATH_MAX, "%s/master.cf.before-postvalve", actuator->directory);
    snprintf(actuator->after, PATH_MAX, "%s/master.cf.by-postvalve", actuator->directory);
}

/* -- files -------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct buffer *buffer)
{
    char bytes[16384];
    ssize_t length;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    while ((length = read(descriptor, bytes, sizeof(bytes))) > 0)
        if (!buffer_append(buffer, bytes, (size_t)length))
            break;
    close(descriptor);
    return length == 0;
}

static bool copy_file(const char *from, const char *to, struct error *error)
{
    struct buffer buffer = BUFFER_WITH_MAXIMUM(MASTER_CF_MAX);
    struct stat status;
    int descriptor = -1;
    bool is_copied = stat(from, &status) == 0 && read_file(from, &buffer);
    if (is_copied) {
        unlink(to);
        descriptor = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        is_copied = descriptor >= 0 &&
                    write(descriptor, buffer.data, buffer.length) == (ssize_t)buffer.length &&
                    fchown(descriptor, status.st_uid, status.st_gid) == 0 &&
                    fchmod(descriptor, status.st_mode & 07777) == 0 && fsync(descriptor) == 0;
    }
    if (!is_copied)
        error_set(error, "%s: cannot be copied to %s: %s", from, to, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    buffer_free(&buffer);
    return is_copied;
}

static bool are_equal(const char *one, const char *other)
{
    struct buffer first = BUFFER_WITH_MAXIMUM(MASTER_CF_MAX);
    struct buffer second = BUFFER_WITH_MAXIMUM(MASTER_CF_MAX);
    bool is_equal = read_file(one, &first) && read_file(other, &second) &&
                    first.length == second.length && first.length > 0 &&
                    memcmp(first.data, second.data, first.length) == 0;
    buffer_free(&first);
    buffer_free(&second);
    return is_equal;
}

/* -- Postfix ------------------------------------------------------------------------------ */

/* "postconf -c DIRECTORY OPTION ARGUMENT", or "postfix -c DIRECTORY OPTION". */
static bool run(const struct actuator *actuator, const char *name, const char *option,
                const char *argument, struct error *error)
{
    char program[PATH_MAX], output[OUTPUT_SIZE];
    if (!subprocess_find(name, program))
        return error_set(error, "no %s(1) on this machine", name);
    const char *const argv[] = {program, "-c", actuator->directory, option, argument, NULL};
    return subprocess_run(argv, PROGRAM_MS, output, sizeof(output), error);
}

static bool reload(const struct actuator *actuator, struct error *error)
{
    struct error reason;
    if (run(actuator, "postfix", "reload", NULL, &reason))
        return true;
    return error_set(error, "master.cf is changed, but Postfix was not reloaded: %.400s",
                     reason.text);
}

static bool switch_on(const struct actuator *actuator, struct error *error)
{
    char override[512];
    if (!actuator->config->control.is_postfix_stress_allowed)
        return error_set(error,
                         "changing master.cf is not allowed: set control.postfix_stress");
    if (access(actuator->before, F_OK) == 0)
        return error_set(error, "it is on already: %s is there", actuator->before);
    snprintf(override, sizeof(override), "%s/inet/stress=yes", actuator->service);
    if (!copy_file(actuator->master_cf, actuator->before, error))
        return false;
    bool is_changed = run(actuator, "postconf", "-P", override, error);
    if (is_changed && are_equal(actuator->master_cf, actuator->before)) /* it only warns */
        is_changed = error_set(error, "%s: no inet service %s without stress=yes",
                               actuator->master_cf, actuator->service);
    if (!is_changed) {
        unlink(actuator->before);
        return false;
    }
    if (!copy_file(actuator->master_cf, actuator->after, error) || !reload(actuator, error))
        return false;
    printf("service %s of %s runs with stress=yes; master.cf as it was: %s\n",
           actuator->service, actuator->directory, actuator->before);
    return true;
}

/* Taking back is always allowed. */
static bool switch_off(const struct actuator *actuator, struct error *error)
{
    char override[512];
    if (access(actuator->before, F_OK) != 0)
        return error_set(error, "it is not on: no %s", actuator->before);
    bool is_as_left = are_equal(actuator->master_cf, actuator->after);
    snprintf(override, sizeof(override), "%s/inet/stress", actuator->service);
    if (is_as_left && rename(actuator->before, actuator->master_cf) != 0)
        return error_set(error, "%s: %s", actuator->master_cf, strerror(errno));
    if (!is_as_left && !run(actuator, "postconf", "-PX", override, error))
        return false;
    unlink(actuator->after);
    unlink(actuator->before);
    if (!reload(actuator, error))
        return false;
    printf("service %s of %s runs without stress=yes; %s\n", actuator->service,
           actuator->directory,
           is_as_left ? "master.cf is as it was"
                      : "master.cf was changed since, so only this option was taken out");
    return true;
}

int command_postfix_stress(struct arguments *arguments)
{
    const struct argument_option options[] = {
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 1)
        return command_usage_error("postfix-stress");
    bool is_on = strcmp(arguments->values[0], "on") == 0;
    if (!is_on && strcmp(arguments->values[0], "off") != 0)
        return command_usage_error("postfix-stress");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct actuator actuator;
    struct error error;
    actuator_init(&actuator, config);
    bool is_done = is_on ? switch_on(&actuator, &error) : switch_off(&actuator, &error);
    config_free(config);
    return is_done ? EX_OK : command_failed(&error);
}
