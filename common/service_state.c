#include "common/service_state.h"

#include "common/number.h"

#include <limits.h>
#include <stdio.h>

#define SECONDS_MAX INT64_C(100000000000)
#define WAIT_MAX_S  1e6

static const char *const level_source_names[LEVEL_SOURCE_COUNT] = {
    [LEVEL_BY_SENSORS] = "sensors",
    [LEVEL_BY_CLUSTER] = "cluster",
    [LEVEL_BY_OVERRIDE] = "override",
};

/* Kinds of fields. */

static bool read_count(void *field, double maximum, struct slice value)
{
    int64_t number;
    if (!number_parse(value, INT64_MAX, &number))
        return false;
    *(int *)field = (double)number < maximum ? (int)number : (int)maximum;
    return true;
}

static bool write_count(const void *field, char *out)
{
    int number = *(const int *)field;
    snprintf(out, SERVICE_VALUE_SIZE, "%d", number);
    return number >= 0;
}

static bool read_seconds(void *field, double maximum, struct slice value)
{
    (void)maximum;
    return number_parse(value, SECONDS_MAX, field);
}

static bool write_seconds(const void *field, char *out)
{
    snprintf(out, SERVICE_VALUE_SIZE, "%lld", (long long)*(const int64_t *)field);
    return true;
}

static bool read_fraction(void *field, double maximum, struct slice value)
{
    double number;
    if (!number_parse_fraction(value, 1e12, &number))
        return false;
    *(double *)field = number < maximum ? number : maximum;
    return true;
}

static bool write_fraction(const void *field, char *out)
{
    double number = *(const double *)field;
    snprintf(out, SERVICE_VALUE_SIZE, "%.3f", number);
    return number >= 0;
}

static bool read_level(void *field, double maximum, struct slice value)
{
    (void)maximum;
    return level_by_name(value, field);
}

static bool write_level(const void *field, char *out)
{
    snprintf(out, SERVICE_VALUE_SIZE, "%s", level_name(*(const enum level *)field));
    return true;
}

static bool read_level_source(void *field, double maximum, struct slice value)
{
    (void)maximum;
    for (enum level_source source = 0; source < LEVEL_SOURCE_COUNT; source++) {
        if (slice_equals(value, slice_from_string(level_source_names[source]))) {
            *(enum level_source *)field = source;
            return true;
        }
    }
    return false;
}

static bool write_level_source(const void *field, char *out)
{
    snprintf(out, SERVICE_VALUE_SIZE, "%s",
             level_source_names[*(const enum level_source *)field]);
    return true;
}

static bool read_sensor(void *field, double maximum, struct slice value)
{
    (void)maximum;
    enum sensor sensor = sensor_by_name(value);
    *(enum sensor *)field = sensor;
    return sensor != SENSOR_NONE;
}

static bool write_sensor(const void *field, char *out)
{
    snprintf(out, SERVICE_VALUE_SIZE, "%s", sensor_name(*(const enum sensor *)field));
    return true;
}

static bool read_yes(void *field, double maximum, struct slice value)
{
    (void)maximum;
    *(bool *)field = slice_equals(value, SLICE_LITERAL("yes"));
    return true;
}

static bool write_yes(const void *field, char *out)
{
    snprintf(out, SERVICE_VALUE_SIZE, "%s", *(const bool *)field ? "yes" : "no");
    return true;
}

struct kind {
    bool (*read)(void *field, double maximum, struct slice value);
    bool (*write)(const void *field, char *out); /* false: not known */
};
static const struct kind kind_count = {read_count, write_count};
static const struct kind kind_seconds = {read_seconds, write_seconds};
static const struct kind kind_fraction = {read_fraction, write_fraction};
static const struct kind kind_level = {read_level, write_level};
static const struct kind kind_source = {read_level_source, write_level_source};
static const struct kind kind_sensor = {read_sensor, write_sensor};
static const struct kind kind_yes = {read_yes, write_yes};

#define FIELD(name, kind, member, maximum)                                                     \
    {                                                                                          \
        name, &(kind), offsetof(struct service_state, member), maximum                         \
    }
static const struct field {
    const char *name;
    const struct kind *kind;
    size_t offset;
    double maximum;
} fields[] = {
    FIELD("port", kind_count, port, 65535),
    FIELD("level", kind_level, level, 0),
    FIELD("level_source", kind_source, level_source, 0),
    FIELD("level_age_s", kind_seconds, level_age_s, 0),
    FIELD("pressure", kind_fraction, pressure, SERVICE_PRESSURE_MAX),
    FIELD("driver", kind_sensor, driver, 0),
    FIELD("busy", kind_count, busy, SERVICE_COUNT_MAX),
    FIELD("slot_limit", kind_count, slot_limit, SERVICE_COUNT_MAX),
    FIELD("waiting", kind_count, waiting, SERVICE_COUNT_MAX),
    FIELD("sessions", kind_count, sessions, SERVICE_COUNT_MAX),
    FIELD("reclaimed", kind_count, reclaimed, INT_MAX),
    FIELD("wait_s", kind_fraction, wait_s, WAIT_MAX_S),
    FIELD("postfix_stress", kind_yes, is_postfix_stressed, 0),
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))
_Static_assert(FIELD_COUNT <= SERVICE_FIELDS_MAX, "see the header");

void service_state_init(struct service_state *service)
{
    *service = (struct service_state){
        .pressure = SENSOR_UNKNOWN,
        .driver = SENSOR_NONE,
        .busy = SENSOR_UNKNOWN,
        .slot_limit = SENSOR_UNKNOWN,
        .waiting = SENSOR_UNKNOWN,
        .sessions = SENSOR_UNKNOWN,
        .reclaimed = SENSOR_UNKNOWN,
        .wait_s = SENSOR_UNKNOWN,
    };
}

bool service_state_set_field(struct service_state *service, struct slice name,
                             struct slice value)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (slice_equals(name, slice_from_string(fields[i].name)))
            return fields[i].kind->read((char *)service + fields[i].offset, fields[i].maximum,
                                        value);
    return false;
}

bool service_state_field(const struct service_state *service, size_t index, const char **name_r,
                         char value_r[static SERVICE_VALUE_SIZE])
{
    *name_r = fields[index].name;
    return fields[index].kind->write((const char *)service + fields[index].offset, value_r);
}

size_t service_state_field_count(void)
{
    return FIELD_COUNT;
}

const char *level_source_name(enum level_source source)
{
    return level_source_names[source];
}

bool service_state_pressure(const struct service_state *service, struct pressure *pressure_r)
{
    if (service->busy < 0 || service->slot_limit <= 0)
        return false;
    double slots = (double)service->busy / service->slot_limit;
    *pressure_r = (struct pressure){
        .is_known = true,
        .slots = slots,
        .value = service->pressure > slots ? service->pressure : slots,
        .busy = service->busy,
        .waiting = service->waiting > 0 ? service->waiting : 0,
        .slot_limit = service->slot_limit,
        .driver = service->driver,
    };
    return true;
}
