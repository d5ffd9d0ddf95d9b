/*
 * scenario - what the load generator shall do: a server, a duration, groups of clients.
 *
 * Read from a JSON file and from options; each setting of a group is a row of
 * group_setting_table, which gives key, type, range, default and help. Immutable once read.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_SCENARIO_H
#define POSTVALVE_T_BENCH_FLOOD_SCENARIO_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCENARIO_GROUPS_MAX  32
#define SCENARIO_ACTORS_MAX  60000
#define SCENARIO_SECONDS_MAX 86400
#define SCENARIO_TEXT_SIZE   64
#define SCENARIO_LIMITS_MAX  4

struct actor_kind;

struct group_settings {
    const struct actor_kind *kind;
    char name[SCENARIO_TEXT_SIZE];
    char kind_name[SCENARIO_TEXT_SIZE];
    char recipient[SCENARIO_TEXT_SIZE];
    char domain[SCENARIO_TEXT_SIZE];
    uint32_t first_address; /* host byte order */
    uint32_t addresses;
    uint32_t address_step;
    bool is_address_changing;
    uint32_t concurrency;
    double rate; /* per second */
    bool is_steady;
    uint32_t messages; /* 0: no limit */
    uint32_t body_bytes;
    uint32_t attempts;
    uint32_t recipients;
    double start_s, stop_s, ramp_s;
    double banner_timeout_s, command_timeout_s;
    double backoff_s, backoff_max_s, backoff_scale;
    double delay_s;
    double think_s;
    bool is_dribbling_commands;
    double interval_s;
};

struct scenario {
    uint32_t host; /* IPv4, host byte order */
    uint16_t port;
    double seconds;
    double within_s; /* mail is in time when delivered so long after its first attempt */
    double limits_s[SCENARIO_LIMITS_MAX]; /* ... and these are counted too; 0: no more */
    uint64_t seed;
    size_t group_count;
    struct group_settings groups[SCENARIO_GROUPS_MAX];
};

void scenario_set_defaults(struct scenario *scenario);

/* Takes over what the object says; what it does not mention stays. */
bool scenario_read_json(struct scenario *scenario, json_t *root, struct error *error);
bool scenario_read_file(struct scenario *scenario, const char *path, struct error *error);
/* One group as "key=value,key=value". */
bool scenario_add_group(struct scenario *scenario, const char *text, struct error *error);
/* Last: what must hold for all together. */
bool scenario_check(const struct scenario *scenario, struct error *error);

void scenario_print_help(FILE *out);

#endif
