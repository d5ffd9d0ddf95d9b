#include "common/metrics_text.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 1024
/* Counters with no more combinations are shown in full, zeros included. */
#define FULL_MAX 16

struct writer {
    struct buffer *out;
    bool is_cut;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *writer, const char *format,
                                                      ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0 || length >= LINE_SIZE || writer->is_cut ||
        !buffer_append(writer->out, line, (size_t)length))
        writer->is_cut = true;
}

/* -- names and numbers -------------------------------------------------------------------- */

static const char *unit_name(enum counter_unit unit)
{
    switch (unit) {
    case COUNTER_MS:
    case COUNTER_US:
    case COUNTER_S:
        return "_seconds";
    case COUNTER_BYTES:
        return "_bytes";
    case COUNTER_PERMILLE:
        return "_ratio";
    case COUNTER_ONE:
        break;
    }
    return "";
}

static int64_t units_in_one(enum counter_unit unit)
{
    switch (unit) {
    case COUNTER_MS:
    case COUNTER_PERMILLE:
        return 1000;
    case COUNTER_US:
        return 1000000;
    case COUNTER_ONE:
    case COUNTER_S:
    case COUNTER_BYTES:
        break;
    }
    return 1;
}

void metrics_text_name(enum counter counter, char out[static METRICS_NAME_SIZE])
{
    const struct counter_info *info = counter_info(counter);
    snprintf(out, METRICS_NAME_SIZE, "postvalve_%s%s%s", info->name, unit_name(info->unit),
             info->kind == COUNTER_SUM ? "_total" : "");
}

static void add_number(struct writer *writer, int64_t number, enum counter_unit unit)
{
    int64_t units = units_in_one(unit);
    if (units == 1)
        add(writer, "%lld", (long long)number);
    else
        add(writer, "%.15g", (double)number / (double)units);
}

/* -- samples ------------------------------------------------------------------------------ */

/* One combination of the label values of a counter, as a process counted it. */
struct sample {
    const struct counter_info *info;
    const struct counter_set *set;
    enum counter_process process;
    int combination;
    const char *name;
};

static int64_t cell(const struct sample *sample, int part)
{
    const struct counter_info *info = sample->info;
    int index = info->cell + sample->combination * counter_spread(info) + part;
    return (int64_t)atomic_load_explicit(&sample->set->cells[index], memory_order_relaxed);
}

/* The values are in need of no escapes: see counter_name(). */
static void add_labels(struct writer *writer, const struct sample *sample)
{
    unsigned values[COUNTER_LABELS_MAX], rest = (unsigned)sample->combination;
    for (int i = COUNTER_LABELS_MAX - 1; i >= 0; i--) {
        unsigned size = (unsigned)counter_label_info(sample->info->labels[i])->size;
        values[i] = rest % size;
        rest /= size;
    }
    add(writer, "{process=\"%s\"", counter_process_name(sample->process));
    for (int i = 0; i < COUNTER_LABELS_MAX; i++) {
        enum counter_label label = sample->info->labels[i];
        if (label != COUNTER_LABEL_NONE)
            add(writer, ",%s=\"%s\"", counter_label_info(label)->name,
                counter_label_text(sample->set, label, values[i]));
    }
}

static void add_sample(struct writer *writer, const struct sample *sample, int64_t number)
{
    add(writer, "%s", sample->name);
    add_labels(writer, sample);
    add(writer, "} ");
    add_number(writer, number, sample->info->unit);
    add(writer, "\n");
}

static void add_histogram(struct writer *writer, const struct sample *sample)
{
    int count;
    int64_t seen = 0;
    const int64_t *bounds = counter_bucket_bounds(sample->info->buckets, &count);
    for (int bucket = 0; bucket <= count; bucket++) {
        seen += cell(sample, bucket);
        add(writer, "%s_bucket", sample->name);
        add_labels(writer, sample);
        add(writer, ",le=\"");
        if (bucket < count)
            add_number(writer, bounds[bucket], sample->info->unit);
        else
            add(writer, "+Inf");
        add(writer, "\"} %lld\n", (long long)seen);
    }
    add(writer, "%s_sum", sample->name);
    add_labels(writer, sample);
    add(writer, "} ");
    add_number(writer, cell(sample, count + 1), sample->info->unit);
    add(writer, "\n%s_count", sample->name);
    add_labels(writer, sample);
    add(writer, "} %lld\n", (long long)seen);
}

static bool has_counted(const struct sample *sample)
{
    for (int part = 0; part < counter_spread(sample->info); part++)
        if (cell(sample, part) != 0)
            return true;
    return false;
}

static void add_any(struct writer *writer, const struct sample *sample)
{
    int64_t value;
    bool is_full = counter_combinations(sample->info) <= FULL_MAX;
    switch (sample->info->kind) {
    case COUNTER_GAUGE:
        if (counter_gauge_of_cell((uint64_t)cell(sample, 0), &value))
            add_sample(writer, sample, value);
        break;
    case COUNTER_SUM:
        if (is_full || has_counted(sample))
            add_sample(writer, sample, cell(sample, 0));
        break;
    case COUNTER_HISTOGRAM:
        if (counter_combinations(sample->info) == 1 || has_counted(sample))
            add_histogram(writer, sample);
        break;
    }
}

static void add_counter(struct writer *writer, const struct counter_snapshot *snapshot,
                        enum counter counter)
{
    static const char *const types[] = {
        [COUNTER_SUM] = "counter",
        [COUNTER_GAUGE] = "gauge",
        [COUNTER_HISTOGRAM] = "histogram",
    };
    const struct counter_info *info = counter_info(counter);
    char name[METRICS_NAME_SIZE];
    metrics_text_name(counter, name);
    add(writer, "# HELP %s %s\n# TYPE %s %s\n", name, info->help, name, types[info->kind]);
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++) {
        if (!snapshot->is_known[process] || !(info->processes & 1u << process))
            continue;
        struct sample sample = {info, &snapshot->sets[process], (enum counter_process)process,
                                0, name};
        for (; sample.combination < counter_combinations(info); sample.combination++)
            add_any(writer, &sample);
    }
}

static void add_about(struct writer *writer, const struct counter_snapshot *snapshot,
                      const char *version)
{
    add(writer,
        "# HELP postvalve_build_info The version of Postvalve that says this.\n"
        "# TYPE postvalve_build_info gauge\n"
        "postvalve_build_info{version=\"%s\"} 1\n"
        "# HELP postvalve_counters_known 1 where the counters of this kind of process could be "
        "read.\n"
        "# TYPE postvalve_counters_known gauge\n",
        version);
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
        add(writer, "postvalve_counters_known{process=\"%s\"} %d\n",
            counter_process_name((enum counter_process)process), snapshot->is_known[process]);
}

bool metrics_text_render(const struct counter_snapshot *snapshot, const char *version,
                         struct buffer *out)
{
    struct writer writer = {out, false};
    add_about(&writer, snapshot, version);
    for (int counter = 0; counter < COUNTER_COUNT; counter++)
        add_counter(&writer, snapshot, (enum counter)counter);
    return !writer.is_cut;
}
