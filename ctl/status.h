/*
 * status - how this host is: its pressure now, what its daemons publish, what is reachable.
 *
 * Gathered without the help of the daemons: the sensor is read here, Redis is asked and each
 * listener connected to, none for longer than STATUS_TIMEOUT_MS. All texts from Redis are
 * escaped.
 */
#ifndef POSTVALVE_CTL_STATUS_H
#define POSTVALVE_CTL_STATUS_H

#include "common/config.h"
#include "common/decide.h"
#include "common/error.h"
#include "view/host_view.h"
#include "host/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_TIMEOUT_MS    1000
#define STATUS_LISTENERS_MAX 16
#define PUBLISHED_TEXT_SIZE  48

/* What can be asked for by name. */
enum status_part {
    STATUS_SENSOR,
    STATUS_POLICYD,
    STATUS_MILTER,
    STATUS_REDIS,
    STATUS_PART_COUNT
};
extern const char *const status_part_names[STATUS_PART_COUNT];

/* The hash PREFIXhost:HOST (doc/redis.md). */
enum published_field {
    PUBLISHED_PUBLISHER,
    PUBLISHED_LEVEL,
    PUBLISHED_PRESSURE,
    PUBLISHED_BUSY,
    PUBLISHED_WAITING,
    PUBLISHED_SLOT_LIMIT,
    PUBLISHED_POSTFIX_STRESS,
    PUBLISHED_SESSIONS,
    PUBLISHED_UPDATED,
    PUBLISHED_DRIVER,
    PUBLISHED_LEVEL_SOURCE,
    PUBLISHED_LEVEL_AGE,
    PUBLISHED_WAIT,
    PUBLISHED_FIELD_COUNT
};
enum published_type {
    PUBLISHED_TEXT,
    PUBLISHED_INTEGER,
    PUBLISHED_NUMBER,
    PUBLISHED_YES_OR_NO
};
struct published_row {
    const char *name;
    enum published_type type;
};
extern const struct published_row published_table[PUBLISHED_FIELD_COUNT];

struct published {
    bool is_known;                                         /* somebody published */
    char text[PUBLISHED_FIELD_COUNT][PUBLISHED_TEXT_SIZE]; /* "": no such field */
};

struct reachable {
    const char *endpoint; /* as configured; the config's */
    bool is_answering;
    struct error error; /* when it is not */
};

struct status {
    const struct config *config;
    char host[HOSTNAME_SIZE];
    int64_t now_s;               /* Redis' clock, if it answers */
    struct pressure pressure;    /* of the sensor, here and now */
    struct error pressure_error; /* when it is not known */
    struct error slot_warning;   /* about the slot limit, may be empty */
    struct published published;
    struct host_view view; /* of what is forced, and of the other hosts; now_ms 0: not read */
    bool has_redis;        /* configured */
    struct reachable redis, milter, policyd[STATUS_LISTENERS_MAX];
    size_t policyd_count;
    bool is_well[STATUS_PART_COUNT];
};

/* config must outlive status_r. Blocks. */
void status_gather(struct status *status_r, const struct config *config);
/* The published value as a number; false: there is none, or it is not one. */
bool published_number(const struct published *published, enum published_field field,
                      double *number_r);

/* For people: lines of at most 80 columns, where words allow it. */
void status_print_text(const struct status *status);
/* For programs: documented in postvalvectl(1). is_well: of what was asked for. */
void status_print_json(const struct status *status, bool is_well);

#endif
