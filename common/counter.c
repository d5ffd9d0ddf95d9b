#include "common/counter.h"

#include <ctype.h>
#include <string.h>

#define BIT(process)      (1u << COUNTER_PROCESS_##process)
#define PROCESSES_ALL     (BIT(POLICYD) | BIT(SPAWN) | BIT(MILTER))
#define PROCESSES_POLICY  (BIT(POLICYD) | BIT(SPAWN))
#define PROCESSES_DAEMONS (BIT(POLICYD) | BIT(MILTER))
#define PROCESSES_POLICYD BIT(POLICYD)
#define PROCESSES_MILTER  BIT(MILTER)

static const struct counter_info table[COUNTER_COUNT] = {
#define COUNTER(symbol, kind_, unit_, name_, buckets_, processes_, a, b, c, d, help_)          \
    [COUNTER_##symbol] = {                                                                     \
        .kind = COUNTER_##kind_,                                                               \
        .unit = COUNTER_##unit_,                                                               \
        .buckets = COUNTER_BUCKETS_##buckets_,                                                 \
        .processes = PROCESSES_##processes_,                                                   \
        .labels = {COUNTER_LABEL_##a, COUNTER_LABEL_##b, COUNTER_LABEL_##c,                    \
                   COUNTER_LABEL_##d},                                                         \
        .sizes = {COUNTER_LABEL_SIZE_##a, COUNTER_LABEL_SIZE_##b, COUNTER_LABEL_SIZE_##c,      \
                  COUNTER_LABEL_SIZE_##d},                                                     \
        .cell = COUNTER_CELL_##symbol,                                                         \
        .spread = COUNTER_SPREAD_##buckets_,                                                   \
        .combinations = COUNTER_LABEL_SIZE_##a * COUNTER_LABEL_SIZE_##b *                      \
                        COUNTER_LABEL_SIZE_##c * COUNTER_LABEL_SIZE_##d,                       \
        .name = name_,                                                                         \
        .help = help_,                                                                         \
    },
#include "common/counter.def"
#undef COUNTER
};

static const int64_t quick_bounds[] = {20,    50,     100,    200,    500,
                                       1000,  2000,   5000,   10000,  20000,
                                       50000, 100000, 200000, 500000, 1000000};
static const int64_t dns_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
static const int64_t mail_bounds[] = {10,   20,   50,    100,   200,   500,    1000,
                                      2000, 5000, 10000, 30000, 60000, 120000, 300000};
static const int64_t share_bounds[] = {100, 250, 500,  700,  800, 900,
                                       950, 999, 1000, 1250, 2000};

#define BOUNDS(array)                                                                          \
    {                                                                                          \
        array, (int)(sizeof(array) / sizeof((array)[0]))                                       \
    }

static const struct {
    const int64_t *bounds;
    int count;
} buckets_table[COUNTER_BUCKETS_COUNT] = {
    [COUNTER_BUCKETS_QUICK] = BOUNDS(quick_bounds),
    [COUNTER_BUCKETS_DNS] = BOUNDS(dns_bounds),
    [COUNTER_BUCKETS_MAIL] = BOUNDS(mail_bounds),
    [COUNTER_BUCKETS_SHARE] = BOUNDS(share_bounds),
};

#define SPREAD_OF(array) ((int)(sizeof(array) / sizeof((array)[0])) + 2)
_Static_assert(SPREAD_OF(quick_bounds) == COUNTER_SPREAD_QUICK, "buckets");
_Static_assert(SPREAD_OF(dns_bounds) == COUNTER_SPREAD_DNS, "buckets");
_Static_assert(SPREAD_OF(mail_bounds) == COUNTER_SPREAD_MAIL, "buckets");
_Static_assert(SPREAD_OF(share_bounds) == COUNTER_SPREAD_SHARE, "buckets");

const struct counter_info *counter_info(enum counter counter)
{
    return &table[counter];
}

const char *counter_unit_suffix(enum counter_unit unit)
{
    static const char *const suffixes[] = {
        [COUNTER_ONE] = "", [COUNTER_MS] = "ms",       [COUNTER_US] = "us",
        [COUNTER_S] = "s",  [COUNTER_BYTES] = "bytes", [COUNTER_PERMILLE] = "permille",
    };
    return suffixes[unit];
}

const char *counter_process_name(enum counter_process process)
{
    static const char *const names[] = {
        [COUNTER_PROCESS_POLICYD] = "policyd",
        [COUNTER_PROCESS_SPAWN] = "spawn",
        [COUNTER_PROCESS_MILTER] = "milter",
    };
    return names[process];
}

const char *counter_kind_name(enum counter_kind kind)
{
    static const char *const names[] = {
        [COUNTER_SUM] = "sum",
        [COUNTER_GAUGE] = "gauge",
        [COUNTER_HISTOGRAM] = "histogram",
    };
    return names[kind];
}

const int64_t *counter_bucket_bounds(enum counter_buckets buckets, int *count_r)
{
    *count_r = buckets_table[buckets].count;
    return buckets_table[buckets].bounds;
}

int counter_spread(const struct counter_info *info)
{
    return info->spread;
}

int counter_combinations(const struct counter_info *info)
{
    return info->combinations;
}

/* The first cell of a combination; -1: there is no such one. */
static int cell_of(const struct counter_info *info, const unsigned *labels)
{
    unsigned combination = 0;
    for (int i = 0; i < COUNTER_LABELS_MAX; i++) {
        if (labels[i] >= info->sizes[i])
            return -1;
        combination = combination * info->sizes[i] + labels[i];
    }
    return info->cell + (int)combination * info->spread;
}

static void add(struct counter_set *set, int cell, uint64_t amount)
{
    atomic_fetch_add_explicit(&set->cells[cell], amount, memory_order_relaxed);
}

static uint64_t load(const struct counter_set *set, int cell)
{
    return atomic_load_explicit(&set->cells[cell], memory_order_relaxed);
}

void counter_add(struct counter_set *set, enum counter counter,
                 const unsigned labels[static COUNTER_LABELS_MAX], uint64_t amount)
{
    int cell = cell_of(&table[counter], labels);
    if (cell >= 0 && table[counter].kind == COUNTER_SUM)
        add(set, cell, amount);
}

void counter_observe(struct counter_set *set, enum counter counter,
                     const unsigned labels[static COUNTER_LABELS_MAX], int64_t value)
{
    const struct counter_info *info = &table[counter];
    int cell = cell_of(info, labels), count, bucket = 0;
    const int64_t *bounds = counter_bucket_bounds(info->buckets, &count);
    if (cell < 0 || info->kind != COUNTER_HISTOGRAM)
        return;
    while (bucket < count && value > bounds[bucket])
        bucket++;
    add(set, cell + bucket, 1);
    add(set, cell + count + 1, value > 0 ? (uint64_t)value : 0);
}

/* Zero is a gauge that was not set: the lowest bit says that it was. */
uint64_t counter_gauge_to_cell(int64_t value)
{
    return (uint64_t)value << 1 | 1;
}

bool counter_gauge_of_cell(uint64_t cell, int64_t *value_r)
{
    *value_r = (int64_t)cell >> 1;
    return cell & 1;
}

static void store_gauge(struct counter_set *set, enum counter counter, const unsigned *labels,
                        uint64_t value)
{
    int cell = cell_of(&table[counter], labels);
    if (cell >= 0 && table[counter].kind == COUNTER_GAUGE)
        atomic_store_explicit(&set->cells[cell], value, memory_order_relaxed);
}

void counter_set_gauge(struct counter_set *set, enum counter counter,
                       const unsigned labels[static COUNTER_LABELS_MAX], int64_t value)
{
    store_gauge(set, counter, labels, counter_gauge_to_cell(value));
}

void counter_unset_gauge(struct counter_set *set, enum counter counter,
                         const unsigned labels[static COUNTER_LABELS_MAX])
{
    store_gauge(set, counter, labels, 0);
}

int64_t counter_get(const struct counter_set *set, enum counter counter,
                    const unsigned labels[static COUNTER_LABELS_MAX])
{
    const struct counter_info *info = &table[counter];
    int cell = cell_of(info, labels);
    int64_t value = 0;
    if (cell < 0)
        return 0;
    if (info->kind == COUNTER_GAUGE)
        return counter_gauge_of_cell(load(set, cell), &value) ? value : 0;
    if (info->kind == COUNTER_SUM)
        return (int64_t)load(set, cell);
    for (int bucket = 0; bucket < counter_spread(info) - 1; bucket++)
        value += (int64_t)load(set, cell + bucket);
    return value;
}

int64_t counter_sum(const struct counter_set *set, enum counter counter,
                    const unsigned labels[static COUNTER_LABELS_MAX])
{
    const struct counter_info *info = &table[counter];
    int64_t sum = 0;
    for (int combination = 0; combination < counter_combinations(info); combination++) {
        unsigned values[COUNTER_LABELS_MAX], rest = (unsigned)combination;
        bool is_meant = true;
        for (int i = COUNTER_LABELS_MAX - 1; i >= 0; i--) {
            unsigned size = (unsigned)counter_label_info(info->labels[i])->size;
            values[i] = rest % size;
            rest /= size;
            is_meant = is_meant && (labels[i] == COUNTER_ANY || labels[i] == values[i]);
        }
        if (is_meant)
            sum += counter_get(set, counter, values);
    }
    return sum;
}

static void copy_names(struct counter_names *copy, const struct counter_names *names)
{
    unsigned count = atomic_load_explicit(&names->count, memory_order_acquire);
    memcpy(copy->text, names->text, count * sizeof(names->text[0]));
    copy->count = count;
}

void counter_set_copy(struct counter_set *copy_r, const struct counter_set *set)
{
    for (int i = 0; i < COUNTER_CELLS; i++)
        copy_r->cells[i] = load(set, i);
    copy_names(&copy_r->lists, &set->lists);
    copy_names(&copy_r->services, &set->services);
}

/* -- dynamic labels ----------------------------------------------------------------------- */

static const struct counter_names *names_of(const struct counter_set *set,
                                            enum counter_label label)
{
    return label == COUNTER_LABEL_LIST ? &set->lists : &set->services;
}

static void clean(struct slice name, char text[static COUNTER_NAME_SIZE])
{
    size_t length = name.length < COUNTER_NAME_SIZE ? name.length : COUNTER_NAME_SIZE - 1;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        text[i] = byte < 0x80 && (isalnum(byte) || strchr("._-:/", byte)) ? (char)byte : '_';
    }
    text[length] = '\0';
}

unsigned counter_name(struct counter_set *set, enum counter_label label, struct slice name)
{
    struct counter_names *names = label == COUNTER_LABEL_LIST ? &set->lists : &set->services;
    unsigned count = atomic_load_explicit(&names->count, memory_order_relaxed);
    char text[COUNTER_NAME_SIZE];
    clean(name, text);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names->text[i], text) == 0)
            return i + 1;
    if (count == COUNTER_NAMES_MAX || !text[0] || strcmp(text, "other") == 0)
        return 0;
    memcpy(names->text[count], text, sizeof(text));
    atomic_store_explicit(&names->count, count + 1, memory_order_release);
    return count + 1;
}

const char *counter_label_text(const struct counter_set *set, enum counter_label label,
                               unsigned value)
{
    const struct counter_label_info *info = counter_label_info(label);
    if (info->value_name)
        return info->value_name((int)value);
    const struct counter_names *names = names_of(set, label);
    unsigned count = atomic_load_explicit(&names->count, memory_order_acquire);
    return value > 0 && value <= count ? names->text[value - 1] : "other";
}
