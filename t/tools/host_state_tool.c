/*
 * host_state_tool - the commands of lease, list of hosts and overrides in wire form, and what
 * is read back of a record; for tests that talk to Redis themselves.
 *
 *   host_state_tool offer KEY PUBLISHER ID IS_LAST LEVEL PRESSURE   prints the command
 *   host_state_tool hosts KEY HOST
 *   host_state_tool override KEY level|mode VALUE SECONDS BY NOTE
 *   host_state_tool read NOW_MS < LINES      "name<TAB>value" of a hash; prints
 *   fresh=1 publisher=milter policyd=1 milter=1 level=stressed pressure=0.90 services=1
 *   host_state_tool cluster NOW_MS < LINES   records with an empty line between; prints
 *   hosts=2 stressed=1 highest=stressed floor=calm
 *   host_state_tool effect NOW_S < LINES     two hashes, the host's own first; prints
 *   level=stressed off=0
 */
#include "common/cluster.h"
#include "common/host_lease.h"
#include "common/host_state.h"
#include "common/override.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define LINE_SIZE 2048

static char lines[HOST_STATE_FIELDS_MAX][LINE_SIZE];

/* The fields up to an empty line; false at the end of the input. */
static bool read_fields(struct redis_field *fields, size_t *count_r)
{
    static char line[LINE_SIZE];
    bool is_there = false;
    *count_r = 0;
    while (fgets(line, sizeof(line), stdin)) {
        is_there = true;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0')
            break;
        if (*count_r == HOST_STATE_FIELDS_MAX)
            continue;
        snprintf(lines[*count_r], sizeof(lines[0]), "%s", line);
        char *value = lines[*count_r] + strcspn(lines[*count_r], "\t");
        if (*value)
            *value++ = '\0';
        fields[*count_r].name = slice_from_string(lines[*count_r]);
        fields[(*count_r)++].value = slice_from_string(value);
    }
    return is_there;
}

static int put(const struct redis_command *command)
{
    if (command->is_overflown)
        return EX_SOFTWARE;
    fwrite(command->data, 1, command->length, stdout);
    return EX_OK;
}

static int offer(char **argument, struct redis_command *command)
{
    struct host_state state = {.service_count = 1};
    struct service_state *service = &state.services[0];
    service_state_init(service);
    snprintf(service->name, sizeof(service->name), "smtp");
    level_by_name(slice_from_string(argument[4]), &service->level);
    service->pressure = strtod(argument[5], NULL);
    struct host_lease_offer offer = {
        .publisher = strcmp(argument[1], "milter") == 0 ? PUBLISHER_MILTER : PUBLISHER_POLICYD,
        .id = slice_from_string(argument[2]),
        .is_last = argument[3][0] == '1',
        .state = &state,
    };
    host_lease_command(command, slice_from_string(argument[0]), &offer);
    return put(command);
}

static int override(char **argument, struct redis_command *command)
{
    override_command(command, slice_from_string(argument[0]),
                     strcmp(argument[1], "mode") == 0 ? OVERRIDE_MODE : OVERRIDE_LEVEL,
                     slice_from_string(argument[2]), strtoll(argument[3], NULL, 10),
                     slice_from_string(argument[4]), slice_from_string(argument[5]));
    return put(command);
}

static int read_state(int64_t now_ms)
{
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct host_state state;
    size_t count;
    read_fields(fields, &count);
    host_state_parse(fields, count, &state);
    printf("fresh=%d publisher=%s policyd=%d milter=%d level=%s pressure=%.2f services=%zu\n",
           host_state_is_fresh(&state, now_ms), publisher_name(state.publisher),
           host_state_has(&state, PUBLISHER_POLICYD, now_ms),
           host_state_has(&state, PUBLISHER_MILTER, now_ms),
           level_name(host_state_level(&state)), state.services[0].pressure,
           state.service_count);
    return EX_OK;
}

static int sum_cluster(int64_t now_ms)
{
    const struct cluster_settings settings = {CLUSTER_FOLLOW_ELEVATED, 0.5};
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct cluster_summary summary = {.hosts = 0};
    struct host_state state;
    size_t count;
    while (read_fields(fields, &count)) {
        host_state_parse(fields, count, &state);
        cluster_add(&summary, &state, now_ms);
    }
    printf("hosts=%d stressed=%d highest=%s floor=%s\n", summary.hosts, summary.stressed,
           level_name(summary.highest), level_name(cluster_floor(&summary, &settings)));
    return EX_OK;
}

static int show_effect(int64_t now_s)
{
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct override own, all;
    size_t count;
    read_fields(fields, &count);
    override_parse(fields, count, &own);
    read_fields(fields, &count);
    override_parse(fields, count, &all);
    struct override_effect effect = override_effect(&own, &all, now_s);
    printf("level=%s off=%d\n", effect.is_level_forced ? level_name(effect.level) : "none",
           effect.is_off);
    return EX_OK;
}

int main(int argc, char **argv)
{
    static char buffer[HOST_LEASE_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "offer") == 0 && argc == 8)
        return offer(argv + 2, &command);
    if (strcmp(what, "hosts") == 0 && argc == 4) {
        hosts_command(&command, slice_from_string(argv[2]), slice_from_string(argv[3]));
        return put(&command);
    }
    if (strcmp(what, "override") == 0 && argc == 8)
        return override(argv + 2, &command);
    if (strcmp(what, "read") == 0)
        return read_state(strtoll(argv[2], NULL, 10));
    if (strcmp(what, "cluster") == 0)
        return sum_cluster(strtoll(argv[2], NULL, 10));
    if (strcmp(what, "effect") == 0)
        return show_effect(strtoll(argv[2], NULL, 10));
    fprintf(stderr, "usage: see the top of %s\n", __FILE__);
    return EX_USAGE;
}
