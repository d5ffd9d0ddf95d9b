/*
 * target - which hosts a command is about, and who gave it.
 */
#ifndef POSTVALVE_CTL_TARGET_H
#define POSTVALVE_CTL_TARGET_H

#include "common/config.h"
#include "common/override.h"
#include "host/hostname.h"

#include <stdbool.h>

struct target {
    bool is_all;
    char host[HOSTNAME_SIZE]; /* "*" for all */
};

/* --host and --all as they were given (NULL, false: not): by default this host. False: both,
 * which was said on standard error. */
bool target_set(struct target *target, const struct config *config, const char *host,
                bool is_all);

/* USER@HOST of whoever runs this command; behind sudo(8) who that was before. */
void target_whoami(const struct config *config, char out[static OVERRIDE_TEXT_SIZE]);

/* "21 Nov 06:30:12" of this host's clock, seconds from now; with the year when that is another.
 */
#define TARGET_TIME_SIZE 40
void target_format_time(int64_t seconds_from_now, char out[static TARGET_TIME_SIZE]);

#endif
