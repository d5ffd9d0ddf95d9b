#include "common/host_state.h"

#include "common/number.h"

#include <string.h>

static const char *const publisher_names[PUBLISHER_COUNT] = {
    [PUBLISHER_NONE] = "none",
    [PUBLISHER_POLICYD] = "policyd",
    [PUBLISHER_MILTER] = "milter",
};

const char *publisher_name(enum publisher publisher)
{
    return publisher_names[publisher];
}

static enum publisher find_publisher(struct slice name)
{
    for (enum publisher publisher = PUBLISHER_POLICYD; publisher < PUBLISHER_COUNT; publisher++)
        if (slice_equals(name, slice_from_string(publisher_names[publisher])))
            return publisher;
    return PUBLISHER_NONE;
}

/* The service that "NAME.field" is about, a new one if need be; NULL: no more room. */
static struct service_state *service_of(struct host_state *state, struct slice name)
{
    for (size_t i = 1; i < state->service_count; i++)
        if (slice_equals(name, slice_from_string(state->services[i].name)))
            return &state->services[i];
    if (name.length == 0 || name.length >= SERVICE_NAME_SIZE ||
        memchr(name.data, '\0', name.length) || state->service_count == HOST_STATE_SERVICES_MAX)
        return NULL;
    struct service_state *service = &state->services[state->service_count++];
    service_state_init(service);
    slice_copy_string(name, service->name, sizeof(service->name));
    return service;
}

static void read_count(struct slice value, int *count_r)
{
    int64_t count;
    if (number_parse(value, SERVICE_COUNT_MAX, &count))
        *count_r = (int)count;
}

static bool read_cluster_field(struct host_state *state, struct slice name, struct slice value)
{
    if (slice_equals(name, SLICE_LITERAL("cluster_hosts")))
        read_count(value, &state->cluster_hosts);
    else if (slice_equals(name, SLICE_LITERAL("cluster_stressed")))
        read_count(value, &state->cluster_stressed);
    else if (slice_equals(name, SLICE_LITERAL("cluster_highest")))
        level_by_name(value, &state->cluster_highest);
    else
        return false;
    return true;
}

static bool read_host_field(struct host_state *state, struct slice name, struct slice value)
{
    if (slice_equals(name, SLICE_LITERAL("publisher")))
        state->publisher = find_publisher(value);
    else if (slice_equals(name, SLICE_LITERAL("id")))
        slice_copy_string(value, state->id, sizeof(state->id));
    else if (slice_equals(name, SLICE_LITERAL("renewed_ms")))
        number_parse(value, INT64_MAX, &state->renewed_ms);
    else if (slice_equals(name, SLICE_LITERAL("policyd_seen_ms")))
        number_parse(value, INT64_MAX, &state->seen_ms[PUBLISHER_POLICYD]);
    else if (slice_equals(name, SLICE_LITERAL("milter_seen_ms")))
        number_parse(value, INT64_MAX, &state->seen_ms[PUBLISHER_MILTER]);
    else if (slice_equals(name, SLICE_LITERAL("off")))
        state->is_off = slice_equals(value, SLICE_LITERAL("yes"));
    else if (slice_equals(name, SLICE_LITERAL("service")))
        slice_copy_string(value, state->services[0].name, sizeof(state->services[0].name));
    else
        return read_cluster_field(state, name, value);
    return true;
}

/* Where the field name begins behind "NAME."; a name may have dots in it, a field has none. */
static size_t prefix_length(struct slice name)
{
    size_t length = name.length;
    while (length > 0 && name.data[length - 1] != '.')
        length--;
    return length;
}

void host_state_parse(const struct redis_field *fields, size_t count,
                      struct host_state *state_r)
{
    *state_r = (struct host_state){.service_count = 1};
    service_state_init(&state_r->services[0]);
    for (size_t i = 0; i < count && i < HOST_STATE_FIELDS_MAX; i++) {
        struct slice name = fields[i].name;
        size_t prefix = prefix_length(name);
        struct slice field = {name.data + prefix, name.length - prefix};
        if (prefix == 0 && read_host_field(state_r, name, fields[i].value))
            continue;
        struct service_state *service =
            prefix == 0 ? &state_r->services[0]
                        : service_of(state_r, (struct slice){name.data, prefix - 1});
        if (service)
            service_state_set_field(service, field, fields[i].value);
    }
}

/* A time ahead of Redis' clock was not set by the script: a lie, or a Redis that failed over
 * to one whose clock is behind. */
static bool is_recent(int64_t time_ms, int64_t redis_now_ms, int64_t within_ms)
{
    return time_ms > 0 && time_ms <= redis_now_ms + 1000 && redis_now_ms - time_ms < within_ms;
}

bool host_state_is_fresh(const struct host_state *state, int64_t redis_now_ms)
{
    return state->publisher != PUBLISHER_NONE &&
           is_recent(state->renewed_ms, redis_now_ms, HOST_STATE_LEASE_MS);
}

bool host_state_has(const struct host_state *state, enum publisher publisher,
                    int64_t redis_now_ms)
{
    return is_recent(state->seen_ms[publisher], redis_now_ms, HOST_STATE_SEEN_MS);
}

enum level host_state_level(const struct host_state *state)
{
    enum level highest = LEVEL_CALM;
    for (size_t i = 0; i < state->service_count; i++)
        if (state->services[i].level > highest)
            highest = state->services[i].level;
    return highest;
}

const struct service_state *host_state_service(const struct host_state *state, const char *name)
{
    for (size_t i = 0; i < state->service_count; i++)
        if (strcmp(state->services[i].name, name) == 0)
            return &state->services[i];
    return NULL;
}
