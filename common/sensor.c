#include "common/sensor.h"

/* Fewer sessions say nothing about their share. */
#define LOST_SESSIONS_MIN 10
/* Where slots do not fill, lost sessions cost nothing: scanners come at night too. */
#define LOST_SLOTS_PART 0.5 /* of the threshold of elevated */
/* An accept queue so full may have been the one that overflowed. */
#define QUEUE_FULL_PART 0.5
/* No session ended lately: as if one did in so many seconds. */
#define SERVICE_PER_S_MIN 0.1
/* How far the waiting time alone drives the pressure. */
#define WAIT_PRESSURE_MAX 10.0

const struct sensor_values sensor_values_unknown = {
    .slot_limit = SENSOR_UNKNOWN,
    .busy = SENSOR_UNKNOWN,
    .waiting = SENSOR_UNKNOWN,
    .backlog_limit = SENSOR_UNKNOWN,
    .wait_s = SENSOR_UNKNOWN,
    .service_per_s = SENSOR_UNKNOWN,
    .overflow_per_s = SENSOR_UNKNOWN,
    .drop_per_s = SENSOR_UNKNOWN,
    .lost_share = SENSOR_UNKNOWN,
    .sessions_seen = SENSOR_UNKNOWN,
    .turned_away = SENSOR_UNKNOWN,
    .postfix_stress = SENSOR_UNKNOWN,
};

static bool are_slots_known(const struct sensor_values *values)
{
    return values->busy >= 0 && values->slot_limit > 0;
}

static double busy_share(const struct sensor_values *values)
{
    return are_slots_known(values) ? (double)values->busy / values->slot_limit : SENSOR_UNKNOWN;
}

/* slots */

static double slots_pressure(const struct sensor_values *values,
                             const struct level_settings *level,
                             const struct sensor_settings *settings)
{
    (void)level;
    (void)settings;
    return are_slots_known(values) ? busy_share(values) : 0;
}

/* waiting */

static double waiting_number(const struct sensor_values *values)
{
    return values->waiting;
}

static double waiting_pressure(const struct sensor_values *values,
                               const struct level_settings *level,
                               const struct sensor_settings *settings)
{
    (void)level;
    (void)settings;
    if (values->waiting <= 0 || values->slot_limit <= 0)
        return 0;
    int busy = values->busy > 0 ? values->busy : 0;
    return ((double)busy + values->waiting) / values->slot_limit;
}

/* wait_time: as measured, else those that wait divided by the rate of service (Little). Where a
 * slot is free they are about to get it. */

static double wait_number(const struct sensor_values *values)
{
    if (values->wait_s >= 0)
        return values->wait_s;
    bool is_slot_free = are_slots_known(values) && values->busy < values->slot_limit;
    if (values->waiting < 0 || values->service_per_s < 0 || is_slot_free)
        return SENSOR_UNKNOWN;
    double rate =
        values->service_per_s > SERVICE_PER_S_MIN ? values->service_per_s : SERVICE_PER_S_MIN;
    return values->waiting / rate;
}

static double wait_pressure(const struct sensor_values *values,
                            const struct level_settings *level,
                            const struct sensor_settings *settings)
{
    double target_s = (double)settings->wait_target_ms / 1000;
    double wait_s = wait_number(values);
    if (target_s <= 0 || wait_s < target_s)
        return 0;
    double pressure = level->threshold[LEVEL_STRESSED] * wait_s / target_s;
    return pressure < WAIT_PRESSURE_MAX ? pressure : WAIT_PRESSURE_MAX;
}

/* overflows: the counter of the kernel is that of the whole host, so our own port has to have
 * lost something as well, or at least have a queue that may have been full. */

static double overflow_number(const struct sensor_values *values)
{
    return values->drop_per_s >= 0 ? values->drop_per_s : values->overflow_per_s;
}

static bool may_queue_be_full(const struct sensor_values *values)
{
    if (values->waiting <= 0)
        return false;
    return values->backlog_limit <= 0 ||
           values->waiting >= QUEUE_FULL_PART * values->backlog_limit;
}

static double overflow_pressure(const struct sensor_values *values,
                                const struct level_settings *level,
                                const struct sensor_settings *settings)
{
    (void)settings;
    bool has_overflown =
        values->overflow_per_s > 0 || (values->overflow_per_s < 0 && values->drop_per_s > 0);
    bool is_ours =
        values->drop_per_s > 0 || (values->drop_per_s < 0 && may_queue_be_full(values));
    return has_overflown && is_ours ? level->threshold[LEVEL_CRITICAL] : 0;
}

/* lost_share */

static double lost_number(const struct sensor_values *values)
{
    return values->sessions_seen > 0 ? values->lost_share : SENSOR_UNKNOWN;
}

static double lost_pressure(const struct sensor_values *values,
                            const struct level_settings *level,
                            const struct sensor_settings *settings)
{
    double elevated = level->threshold[LEVEL_ELEVATED];
    bool is_calling = values->sessions_seen >= LOST_SESSIONS_MIN &&
                      values->lost_share >= settings->lost_share &&
                      busy_share(values) >= LOST_SLOTS_PART * elevated;
    return is_calling ? elevated : 0;
}

/* turned_away: a flood that is kept out fills no slots, and would as soon as nobody was */

static double turned_away_number(const struct sensor_values *values)
{
    return values->turned_away;
}

static double turned_away_pressure(const struct sensor_values *values,
                                   const struct level_settings *level,
                                   const struct sensor_settings *settings)
{
    (void)level;
    (void)settings;
    if (values->turned_away <= 0 || values->slot_limit <= 0)
        return 0;
    int busy = values->busy > 0 ? values->busy : 0;
    return ((double)busy + values->turned_away) / values->slot_limit;
}

/* postfix_stress */

static double postfix_number(const struct sensor_values *values)
{
    return values->postfix_stress;
}

static double postfix_pressure(const struct sensor_values *values,
                               const struct level_settings *level,
                               const struct sensor_settings *settings)
{
    (void)settings;
    return values->postfix_stress > 0 ? level->threshold[LEVEL_STRESSED] : 0;
}

#define ROW(...)                                                                               \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
const struct sensor_row sensor_table[SENSOR_COUNT] = {
    [SENSOR_SLOTS] =
        ROW("slots", "share", "busy slots / slot limit", busy_share, slots_pressure),
    [SENSOR_WAITING] = ROW("waiting", "clients", "clients in the accept queue, without a slot",
                           waiting_number, waiting_pressure),
    [SENSOR_WAIT_TIME] = ROW("wait_time", "seconds", "how long a client waits for a slot",
                             wait_number, wait_pressure),
    [SENSOR_OVERFLOWS] = ROW("overflows", "per second",
                             "clients turned away by the kernel: the accept queue is full",
                             overflow_number, overflow_pressure),
    [SENSOR_LOST_SHARE] =
        ROW("lost_share", "share", "sessions that end lost or silent right after CONNECT",
            lost_number, lost_pressure),
    [SENSOR_TURNED_AWAY] =
        ROW("turned_away", "clients", "clients hung up on for want of slots within 3 seconds",
            turned_away_number, turned_away_pressure),
    [SENSOR_POSTFIX_STRESS] =
        ROW("postfix_stress", "yes or no", "Postfix's own stress condition, when it is news",
            postfix_number, postfix_pressure),
};

struct pressure sensor_pressure(const struct sensor_values *values,
                                const struct level_settings *level,
                                const struct sensor_settings *settings,
                                double called_r[SENSOR_COUNT])
{
    struct pressure pressure = {
        .is_known = are_slots_known(values),
        .busy = values->busy > 0 ? values->busy : 0,
        .waiting = values->waiting > 0 ? values->waiting : 0,
        .slot_limit = values->slot_limit > 0 ? values->slot_limit : 0,
        .is_postfix_stressed = values->postfix_stress > 0,
        .driver = SENSOR_NONE,
    };
    if (pressure.is_known) {
        pressure.slots = busy_share(values);
        pressure.driver = SENSOR_SLOTS;
    }
    for (enum sensor sensor = 0; sensor < SENSOR_COUNT; sensor++) {
        double called = sensor_table[sensor].pressure(values, level, settings);
        if (called_r)
            called_r[sensor] = called;
        if (called > pressure.value) {
            pressure.value = called;
            pressure.driver = sensor;
        }
    }
    return pressure;
}

const char *sensor_name(enum sensor sensor)
{
    return sensor < SENSOR_COUNT ? sensor_table[sensor].name : "none";
}

enum sensor sensor_by_name(struct slice name)
{
    for (enum sensor sensor = 0; sensor < SENSOR_COUNT; sensor++)
        if (slice_equals(name, slice_from_string(sensor_table[sensor].name)))
            return sensor;
    return SENSOR_NONE;
}
