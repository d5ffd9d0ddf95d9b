/*
 * sensor - the table of sensors: what each makes of the values that were measured.
 *
 * A sensor is a row of sensor_table: name, unit, help, the number it shows, and a function from
 * values to pressure. The pressure is the highest of them, and the sensor it comes from is its
 * driver. Values may be unknown: a sensor without its values does not call. Pure.
 *
 * pressure.slots stays the share of busy slots whatever drives the pressure: ceilings compare
 * it, levels compare pressure.value.
 */
#ifndef POSTVALVE_COMMON_SENSOR_H
#define POSTVALVE_COMMON_SENSOR_H

#include "common/level.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum sensor {
    SENSOR_SLOTS,          /* busy slots */
    SENSOR_WAITING,        /* with the clients that wait for one */
    SENSOR_WAIT_TIME,      /* how long they wait */
    SENSOR_OVERFLOWS,      /* the kernel turns clients away: the queue is full */
    SENSOR_LOST_SHARE,     /* sessions that end lost or silent right after CONNECT */
    SENSOR_TURNED_AWAY,    /* clients that we hung up on: the slots they would have */
    SENSOR_POSTFIX_STRESS, /* Postfix itself says so */
    SENSOR_COUNT
};
#define SENSOR_NONE SENSOR_COUNT /* nothing is known, or nothing calls */

#define SENSOR_UNKNOWN (-1)

struct sensor_settings {
    int64_t wait_target_ms; /* a client that waits so long calls for stressed */
    double lost_share;      /* share of lost and silent sessions that calls for elevated */
};

/* SENSOR_UNKNOWN (any negative number) where nothing is known. */
struct sensor_values {
    int slot_limit; /* 0 too: not known */
    int busy;
    int waiting;
    int backlog_limit;     /* 0 too: not known */
    double wait_s;         /* the longest, of those that wait now */
    double service_per_s;  /* sessions that end, and so free a slot */
    double overflow_per_s; /* accept queues of this host that were full, any port's */
    double drop_per_s;     /* what the kernel dropped on our port */
    double lost_share;     /* 0 to 1, of sessions_seen */
    int sessions_seen;     /* that ended within the last seconds */
    int postfix_stress;    /* 1: Postfix says yes, and it is news (common/stress.h); 0: no */
    int turned_away;       /* clients hung up on within the last seconds */
};
extern const struct sensor_values sensor_values_unknown;

struct pressure {
    bool is_known; /* the slots are: busy, slot_limit and slots mean something */
    double slots;  /* busy slots / slot_limit at this moment, the asking session included */
    double value;  /* the pressure: the highest that a sensor calls for; 0: none does */
    int busy, waiting, slot_limit;
    bool is_postfix_stressed;
    enum sensor driver; /* the sensor that value comes from; SENSOR_NONE */
};

struct sensor_row {
    const char *name; /* in status, log and Redis */
    const char *unit;
    const char *help;
    double (*number)(const struct sensor_values *values); /* negative: not known */
    /* The pressure that it calls for; 0: does not call. */
    double (*pressure)(const struct sensor_values *values, const struct level_settings *level,
                       const struct sensor_settings *settings);
};
extern const struct sensor_row sensor_table[SENSOR_COUNT];

/* called_r: what each sensor calls for (0: nothing); may be NULL. */
struct pressure sensor_pressure(const struct sensor_values *values,
                                const struct level_settings *level,
                                const struct sensor_settings *settings,
                                double called_r[SENSOR_COUNT]);

/* "none" for SENSOR_NONE. */
const char *sensor_name(enum sensor sensor);
/* SENSOR_NONE for a name that is none. */
enum sensor sensor_by_name(struct slice name);

#endif
