/*
 * Fuzzer of what hosts and administrators left in Redis: whatever is in a hash, what is read
 * back is bounded, and can be offered again. Input: "name<TAB>value" lines.
 */
#include "common/cluster.h"
#include "common/host_lease.h"
#include "common/host_state.h"
#include "common/override.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 512
#define NOW_MS     INT64_C(1800000000000)

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t split(const char *data, size_t size, struct redis_field *fields)
{
    size_t count = 0;
    while (size > 0 && count < FIELDS_MAX) {
        const char *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        const char *tab = memchr(data, '\t', length);
        size_t name_length = tab ? (size_t)(tab - data) : length;
        fields[count].name = (struct slice){data, name_length};
        fields[count++].value =
            tab ? (struct slice){tab + 1, length - name_length - 1} : (struct slice){NULL, 0};
        length += end ? 1 : 0;
        data += length;
        size -= length;
    }
    return count;
}

static void check_count(int count)
{
    require(count >= -1 && count <= SERVICE_COUNT_MAX);
}

static void check_service(const struct service_state *service)
{
    require(memchr(service->name, '\0', sizeof(service->name)) != NULL);
    require(service->level >= LEVEL_CALM && service->level < LEVEL_COUNT);
    require(service->level_source < LEVEL_SOURCE_COUNT && service->driver <= SENSOR_COUNT);
    require(service->pressure >= -1 && service->pressure <= SERVICE_PRESSURE_MAX);
    require(service->level_age_s >= 0 && service->port >= 0 && service->port <= 65535);
    check_count(service->busy);
    check_count(service->waiting);
    check_count(service->slot_limit);
    check_count(service->sessions);
}

static void check_state(const struct redis_field *fields, size_t count)
{
    static char buffer[HOST_LEASE_COMMAND_SIZE];
    struct redis_command command = {buffer, 0, sizeof(buffer), false};
    struct cluster_summary summary = {.hosts = 0};
    static struct host_state state;
    host_state_parse(fields, count, &state);
    require(state.service_count >= 1 && state.service_count <= HOST_STATE_SERVICES_MAX);
    require(state.publisher < PUBLISHER_COUNT);
    require(memchr(state.id, '\0', sizeof(state.id)) != NULL);
    for (size_t i = 0; i < state.service_count; i++)
        check_service(&state.services[i]);
    require(cluster_add(&summary, &state, NOW_MS) == (summary.hosts == 1));
    require(summary.hosts == 0 || host_state_is_fresh(&state, NOW_MS));
    const struct host_lease_offer offer = {PUBLISHER_MILTER, SLICE_LITERAL("id"), false,
                                           &state};
    host_lease_command(&command, SLICE_LITERAL("key"), &offer);
    require(!command.is_overflown);
}

static void check_override(const struct redis_field *fields, size_t count)
{
    struct override override, none = {.has_level = false};
    override_parse(fields, count, &override);
    require(memchr(override.by, '\0', sizeof(override.by)) != NULL);
    require(memchr(override.note, '\0', sizeof(override.note)) != NULL);
    struct override_effect effect = override_effect(&none, &override, NOW_MS / 1000);
    require(!effect.is_level_forced || (effect.level < LEVEL_COUNT && effect.is_level_for_all &&
                                        effect.level_until_s > NOW_MS / 1000));
    require(!effect.is_off || effect.off_until_s > NOW_MS / 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct redis_field fields[FIELDS_MAX];
    size_t count = split((const char *)bytes, size, fields);
    check_state(fields, count);
    check_override(fields, count);
    return 0;
}
