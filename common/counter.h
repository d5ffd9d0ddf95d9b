/*
 * counter - what Postvalve counts: one table (counter.def), and a set of all its numbers.
 *
 * From the table come the fields in Redis, /metrics, postvalvectl stats and the documentation.
 * A set holds one cell for each combination of label values and each bucket, in one block of
 * fixed size. Counting is one relaxed atomic addition: any thread, no lock, no allocation.
 * Pure.
 */
#ifndef POSTVALVE_COMMON_COUNTER_H
#define POSTVALVE_COMMON_COUNTER_H

#include "common/counter_label.h"
#include "common/slice.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTER_LABELS_MAX 4
#define COUNTER_NAME_SIZE  64 /* of a value of a dynamic label */

enum counter_kind { COUNTER_SUM, COUNTER_GAUGE, COUNTER_HISTOGRAM };
enum counter_unit {
    COUNTER_ONE,
    COUNTER_MS,
    COUNTER_US,
    COUNTER_S,
    COUNTER_BYTES,
    COUNTER_PERMILLE,
};

/* The processes that count, each for itself. */
enum counter_process {
    COUNTER_PROCESS_POLICYD,
    COUNTER_PROCESS_SPAWN, /* policyd under spawn(8): all of them together */
    COUNTER_PROCESS_MILTER,
    COUNTER_PROCESS_COUNT
};

enum counter_buckets {
    COUNTER_BUCKETS_NONE,
    COUNTER_BUCKETS_QUICK, /* microseconds */
    COUNTER_BUCKETS_DNS,   /* milliseconds */
    COUNTER_BUCKETS_MAIL,  /* milliseconds */
    COUNTER_BUCKETS_SHARE, /* permille */
    COUNTER_BUCKETS_COUNT
};

/* Cells that a combination of label values takes. A histogram: a cell for each bucket, one for
 * what is above the last, and the sum of all observations. */
enum {
    COUNTER_SPREAD_NONE = 1,
    COUNTER_SPREAD_QUICK = 17,
    COUNTER_SPREAD_DNS = 14,
    COUNTER_SPREAD_MAIL = 16,
    COUNTER_SPREAD_SHARE = 13,
};

enum counter {
#define COUNTER(symbol, ...) COUNTER_##symbol,
#include "common/counter.def"
#undef COUNTER
    COUNTER_COUNT
};

enum {
#define COUNTER(symbol, kind, unit, name, buckets, processes, a, b, c, d, help)                \
    COUNTER_CELL_##symbol,                                                                     \
        COUNTER_LAST_##symbol = COUNTER_CELL_##symbol - 1 +                                    \
                                COUNTER_LABEL_SIZE_##a * COUNTER_LABEL_SIZE_##b *              \
                                    COUNTER_LABEL_SIZE_##c * COUNTER_LABEL_SIZE_##d *          \
                                    COUNTER_SPREAD_##buckets,
#include "common/counter.def"
#undef COUNTER
    COUNTER_CELLS
};

struct counter_info {
    enum counter_kind kind;
    enum counter_unit unit;
    enum counter_buckets buckets;
    unsigned processes; /* who counts: 1 << COUNTER_PROCESS_... */
    enum counter_label labels[COUNTER_LABELS_MAX];
    unsigned sizes[COUNTER_LABELS_MAX]; /* of the labels */
    int cell;                           /* the first one */
    int spread;                         /* cells of one combination of label values */
    int combinations;
    const char *name, *help;
};

struct counter_set {
    _Atomic uint64_t cells[COUNTER_CELLS];
    /* Values of dynamic labels: LIST, SERVICE. Names are added and never change. */
    struct counter_names {
        _Atomic unsigned count;
        char text[COUNTER_NAMES_MAX][COUNTER_NAME_SIZE];
    } lists, services;
};

const struct counter_info *counter_info(enum counter counter);
/* "ms", "us", ...; "" for plain numbers. */
const char *counter_unit_suffix(enum counter_unit unit);
const char *counter_process_name(enum counter_process process);
const char *counter_kind_name(enum counter_kind kind);
/* Upper bounds of the buckets, in the unit of the counter; one less than all counts: the last
 * bucket has no bound. */
const int64_t *counter_bucket_bounds(enum counter_buckets buckets, int *count_r);
/* Cells of one combination of label values. */
int counter_spread(const struct counter_info *info);
/* Combinations of label values. */
int counter_combinations(const struct counter_info *info);

/* labels: values in the order of the table. A value out of range counts nowhere. */
void counter_add(struct counter_set *set, enum counter counter,
                 const unsigned labels[static COUNTER_LABELS_MAX], uint64_t amount);
/* value: in the counter's unit; below 0 is 0. */
void counter_observe(struct counter_set *set, enum counter counter,
                     const unsigned labels[static COUNTER_LABELS_MAX], int64_t value);
/* A gauge that was never set is not shown. */
void counter_set_gauge(struct counter_set *set, enum counter counter,
                       const unsigned labels[static COUNTER_LABELS_MAX], int64_t value);
/* Not shown any more. */
void counter_unset_gauge(struct counter_set *set, enum counter counter,
                         const unsigned labels[static COUNTER_LABELS_MAX]);

/* The number of a sum, or of the observations of a histogram; of a gauge 0 where it is not set.
 */
int64_t counter_get(const struct counter_set *set, enum counter counter,
                    const unsigned labels[static COUNTER_LABELS_MAX]);
/* Of all combinations that have these values. Not for gauges. */
#define COUNTER_ANY UINT_MAX
int64_t counter_sum(const struct counter_set *set, enum counter counter,
                    const unsigned labels[static COUNTER_LABELS_MAX]);
/* As of about one moment, while others go on counting. */
void counter_set_copy(struct counter_set *copy_r, const struct counter_set *set);
/* Of a cell of a gauge; false: not set. */
bool counter_gauge_of_cell(uint64_t cell, int64_t *value_r);
uint64_t counter_gauge_to_cell(int64_t value);

/* The value of a dynamic label that this name has; a new one where there is room, else 0, which
 * is "other". One thread at a time may name; any may count. A name is made of letters, digits
 * and "._-:/", others become "_". */
unsigned counter_name(struct counter_set *set, enum counter_label label, struct slice name);
/* The text of any label's value. */
const char *counter_label_text(const struct counter_set *set, enum counter_label label,
                               unsigned value);

#endif
