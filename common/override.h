/*
 * override - what an administrator forced: a level, or everything off. Always with an end.
 *
 * Kept in Redis as hashes, PREFIXoverride:HOST for one host and PREFIXoverride:* for all
 * (doc/redis.md); times are seconds of Redis' clock. Of the two that concern a host its own one
 * counts, for level and mode each by itself. Pure; other programs may have written anything.
 */
#ifndef POSTVALVE_COMMON_OVERRIDE_H
#define POSTVALVE_COMMON_OVERRIDE_H

#include "common/level.h"
#include "common/redis_command.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVERRIDE_TEXT_SIZE 96
/* Longest time that counts; more is what a broken clock or another program wrote. */
#define OVERRIDE_SECONDS_MAX (31 * 86400)

/* One hash. Start value: all zero, nothing is forced. */
struct override {
    bool has_level, is_off;
    enum level level;
    int64_t level_until_s, off_until_s;
    char by[OVERRIDE_TEXT_SIZE]; /* as it came from Redis: to be escaped where it is shown */
    char note[OVERRIDE_TEXT_SIZE];
};

/* What counts for a host now. */
struct override_effect {
    bool is_level_forced, is_off;
    enum level level;
    int64_t level_until_s, off_until_s;    /* Redis' clock */
    bool is_level_for_all, is_off_for_all; /* said by the override of all hosts */
};

/* Takes one field over; false where it is unknown or makes no sense. */
bool override_set_field(struct override *override, struct slice name, struct slice value);
/* A whole hash; no field is no override. */
void override_parse(const struct redis_field *fields, size_t count,
                    struct override *override_r);
/* now_s: Redis' clock. */
struct override_effect override_effect(const struct override *host, const struct override *all,
                                       int64_t now_s);
bool override_effect_equals(const struct override_effect *a, const struct override_effect *b);

enum override_aspect { OVERRIDE_LEVEL, OVERRIDE_MODE };

/* EVAL of override_script: sets an aspect ("level": the name of one; "mode": "off") for
 * seconds, or takes it back where value is empty. Key: redis_key_override(). The reply is
 * Redis' time in seconds and the fields as for HGETALL. by, note: cut at OVERRIDE_TEXT_SIZE. */
void override_command(struct redis_command *command, struct slice key,
                      enum override_aspect aspect, struct slice value, int64_t seconds,
                      struct slice by, struct slice note);
extern const char override_script[];

#endif
