/*
 * service_state - the state of one service as it is published: struct and fields of a Redis
 * hash. Each field is a row of a table. Pure.
 */
#ifndef POSTVALVE_COMMON_SERVICE_STATE_H
#define POSTVALVE_COMMON_SERVICE_STATE_H

#include "common/level.h"
#include "common/sensor.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVICE_NAME_SIZE    65 /* with the terminating zero */
#define SERVICE_PRESSURE_MAX 99.99
#define SERVICE_COUNT_MAX    1000000

/* Why a level is what it is. */
enum level_source { LEVEL_BY_SENSORS, LEVEL_BY_CLUSTER, LEVEL_BY_OVERRIDE, LEVEL_SOURCE_COUNT };

struct service_state {
    char name[SERVICE_NAME_SIZE]; /* in master.cf */
    int port;
    enum level level; /* the one that counts */
    enum level_source level_source;
    int64_t level_age_s;      /* since the level changed */
    double pressure;          /* negative: not known */
    enum sensor driver;       /* SENSOR_NONE */
    int busy, slot_limit;     /* negative: not known */
    int waiting;              /* negative: not known */
    int sessions;             /* in the milter's table, else as busy */
    int reclaimed;            /* since the milter started; negative: none to tell */
    double wait_s;            /* negative: not known */
    bool is_postfix_stressed; /* Postfix's own view */
};

/* Nothing is known. */
void service_state_init(struct service_state *service);
/* Reads a field with distrust: false, and nothing changes, where it is unknown or makes no
 * sense; numbers are cut to the limits above. */
bool service_state_set_field(struct service_state *service, struct slice name,
                             struct slice value);

/* As a pressure, of which Postfix's flag is left false: it may be news or not. False: slots are
 * not known. */
bool service_state_pressure(const struct service_state *service, struct pressure *pressure_r);

#define SERVICE_FIELDS_MAX 16
#define SERVICE_VALUE_SIZE 24
/* The name of a field and its value; false where that is not known (it is left out then).
 * index: below service_state_field_count(). */
bool service_state_field(const struct service_state *service, size_t index, const char **name_r,
                         char value_r[static SERVICE_VALUE_SIZE]);
size_t service_state_field_count(void);

const char *level_source_name(enum level_source source);

#endif
