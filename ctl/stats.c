#include "ctl/stats.h"

#include "common/counter_field.h"
#include "common/metrics_text.h"

#include <string.h>

#define LABELS_SIZE 512

/* One combination of label values of a counter that is to be shown. */
struct item {
    const struct counter_info *info;
    const struct counter_set *set;
    struct counter_cell cell; /* the first of the combination */
    enum counter_process process;
    int64_t number; /* of a histogram: how many observations */
};

static int64_t cell_at(const struct item *item, int part)
{
    return (int64_t)item->set->cells[item->cell.index + part];
}

/* False: nothing to show. */
static bool read_number(struct item *item)
{
    if (item->info->kind == COUNTER_GAUGE)
        return counter_gauge_of_cell((uint64_t)cell_at(item, 0), &item->number);
    if (item->info->kind == COUNTER_SUM)
        item->number = cell_at(item, 0);
    else
        item->number = counter_get(item->set, item->cell.counter, item->cell.labels);
    return item->number != 0;
}

static void each(const struct counter_snapshot *snapshot,
                 void (*visit)(void *context, const struct item *item), void *context)
{
    struct counter_cell cell = COUNTER_CELL_BEGIN;
    while (counter_cell_next(&cell)) {
        for (int process = 0; process < COUNTER_PROCESS_COUNT && cell.part == 0; process++) {
            struct item item = {counter_info(cell.counter), &snapshot->sets[process], cell,
                                (enum counter_process)process, 0};
            if (snapshot->is_known[process] && read_number(&item))
                visit(context, &item);
        }
    }
}

/* -- text --------------------------------------------------------------------------------- */

static void format_labels(const struct item *item, char text[static LABELS_SIZE])
{
    size_t length =
        (size_t)snprintf(text, LABELS_SIZE, "process=%s", counter_process_name(item->process));
    for (int i = 0; i < COUNTER_LABELS_MAX && length < LABELS_SIZE; i++) {
        enum counter_label label = item->info->labels[i];
        if (label != COUNTER_LABEL_NONE)
            length += (size_t)snprintf(
                text + length, LABELS_SIZE - length, " %s=%s", counter_label_info(label)->name,
                counter_label_text(item->set, label, item->cell.labels[i]));
    }
}

/* The upper bound of the bucket in which a share of the observations ends; negative: above the
 * last one. */
static int64_t quantile(const struct item *item, double share)
{
    int count;
    double seen = 0;
    const int64_t *bounds = counter_bucket_bounds(item->info->buckets, &count);
    for (int bucket = 0; bucket < count; bucket++) {
        seen += (double)cell_at(item, bucket);
        if (seen >= share * (double)item->number)
            return bounds[bucket];
    }
    return -1;
}

static void print_quantile(FILE *out, const struct item *item, const char *name, double share)
{
    int count;
    int64_t bound = quantile(item, share);
    const int64_t *bounds = counter_bucket_bounds(item->info->buckets, &count);
    fprintf(out, " %s%s%lld", name,
            bound < 0 ? ">" : "<=", (long long)(bound < 0 ? bounds[count - 1] : bound));
}

static void print_item(void *context, const struct item *item)
{
    FILE *out = context;
    char labels[LABELS_SIZE];
    const char *unit = counter_unit_suffix(item->info->unit);
    format_labels(item, labels);
    if (item->info->kind != COUNTER_HISTOGRAM) {
        fprintf(out, "%-24s %12lld %-8s %s\n", item->info->name, (long long)item->number, unit,
                labels);
        return;
    }
    int64_t sum = cell_at(item, counter_spread(item->info) - 1);
    fprintf(out, "%-24s %12lld %-8s %s; %s: mean %.1f", item->info->name,
            (long long)item->number, "", labels, unit, (double)sum / (double)item->number);
    print_quantile(out, item, "half", 0.5);
    print_quantile(out, item, "99%", 0.99);
    fputc('\n', out);
}

void stats_print(const struct counter_snapshot *snapshot, FILE *out)
{
    each(snapshot, print_item, out);
}

/* -- JSON --------------------------------------------------------------------------------- */

static json_t *buckets_json(const struct item *item)
{
    int count;
    json_t *buckets = json_object();
    const int64_t *bounds = counter_bucket_bounds(item->info->buckets, &count);
    for (int bucket = 0; bucket <= count; bucket++) {
        char name[24] = "inf";
        if (bucket < count)
            snprintf(name, sizeof(name), "%lld", (long long)bounds[bucket]);
        json_object_set_new(buckets, name, json_integer(cell_at(item, bucket)));
    }
    return buckets;
}

static void append_item(void *context, const struct item *item)
{
    json_t *labels = json_pack("{s:s}", "process", counter_process_name(item->process));
    for (int i = 0; i < COUNTER_LABELS_MAX; i++) {
        enum counter_label label = item->info->labels[i];
        if (label != COUNTER_LABEL_NONE)
            json_object_set_new(
                labels, counter_label_info(label)->name,
                json_string(counter_label_text(item->set, label, item->cell.labels[i])));
    }
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o}", "name", item->info->name, "kind",
                              counter_kind_name(item->info->kind), "unit",
                              counter_unit_suffix(item->info->unit), "labels", labels);
    if (item->info->kind == COUNTER_HISTOGRAM) {
        json_object_set_new(entry, "count", json_integer(item->number));
        json_object_set_new(entry, "sum",
                            json_integer(cell_at(item, counter_spread(item->info) - 1)));
        json_object_set_new(entry, "buckets", buckets_json(item));
    } else {
        json_object_set_new(entry, "value", json_integer(item->number));
    }
    json_array_append_new(context, entry);
}

json_t *stats_json(const struct counter_snapshot *snapshot, const char *host, int64_t minutes)
{
    json_t *counters = json_array();
    each(snapshot, append_item, counters);
    return json_pack("{s:s, s:I, s:o}", "host", host, "minutes", (json_int_t)minutes,
                     "counters", counters);
}

/* -- what there is to count --------------------------------------------------------------- */

static void describe_counter(FILE *out, enum counter counter)
{
    const struct counter_info *info = counter_info(counter);
    const char *unit = counter_unit_suffix(info->unit);
    char name[METRICS_NAME_SIZE], separator = ' ';
    metrics_text_name(counter, name);
    fprintf(out, "| `%s%s%s` | `%s` | %s |", info->name, unit[0] ? "_" : "", unit, name,
            counter_kind_name(info->kind));
    for (int i = 0; i < COUNTER_LABELS_MAX; i++)
        if (info->labels[i] != COUNTER_LABEL_NONE) {
            fprintf(out, "%c%s", separator, counter_label_info(info->labels[i])->name);
            separator = ',';
        }
    fputs(" |", out);
    separator = ' ';
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
        if (info->processes & 1u << process) {
            fprintf(out, "%c%s", separator,
                    counter_process_name((enum counter_process)process));
            separator = ',';
        }
    fprintf(out, " | %s |\n", info->help);
}

static void describe_label(FILE *out, enum counter_label label)
{
    const struct counter_label_info *info = counter_label_info(label);
    fprintf(out, "| `%s` | %s |", info->name, info->help);
    for (int value = 0; info->value_name && value < info->size; value++)
        fprintf(out, " `%s`", info->value_name(value));
    fputs(info->value_name ? " |\n" : " as configured, and `other` |\n", out);
}

void stats_describe(FILE *out)
{
    fputs("| field | metric | kind | labels | counted by | what |\n"
          "|---|---|---|---|---|---|\n",
          out);
    for (int counter = 0; counter < COUNTER_COUNT; counter++)
        describe_counter(out, (enum counter)counter);
    fputs("\n| label | what | values |\n|---|---|---|\n", out);
    for (int label = COUNTER_LABEL_NONE + 1; label < COUNTER_LABEL_COUNT; label++)
        describe_label(out, (enum counter_label)label);
}
