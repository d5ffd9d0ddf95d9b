#include "ctl/target.h"

#include "ctl/arguments.h"
#include "host/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

bool target_set(struct target *target, const struct config *config, const char *host,
                bool is_all)
{
    if (host && is_all) {
        fprintf(stderr, "%s: either --host or --all\n", ARGUMENTS_PROGRAM);
        return false;
    }
    target->is_all = is_all;
    if (is_all)
        snprintf(target->host, sizeof(target->host), "*");
    else
        hostname_get(host ? host : config->host, target->host);
    return true;
}

void target_whoami(const struct config *config, char out[static OVERRIDE_TEXT_SIZE])
{
    char host[HOSTNAME_SIZE];
    const struct passwd *user = getpwuid(getuid());
    const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    if (!name || name[0] == '\0')
        name = user ? user->pw_name : "?";
    hostname_get(config->host, host);
    snprintf(out, OVERRIDE_TEXT_SIZE, "%.32s@%.60s", name, host);
}

void target_format_time(int64_t seconds_from_now, char out[static TARGET_TIME_SIZE])
{
    time_t now = (time_t)clock_wall_s(), then = now + (time_t)seconds_from_now;
    struct tm parts, now_parts;
    if (!localtime_r(&then, &parts) || !localtime_r(&now, &now_parts)) {
        snprintf(out, TARGET_TIME_SIZE, "?");
        return;
    }
    strftime(out, TARGET_TIME_SIZE,
             parts.tm_year == now_parts.tm_year ? "%d %b %H:%M:%S" : "%d %b %Y %H:%M:%S",
             &parts);
}
