#include "common/counter_field.h"

#include "common/number.h"

#include <stdarg.h>
#include <stdio.h>

/* -- cells -------------------------------------------------------------------------------- */

struct counter_cell counter_cell_at(int index)
{
    struct counter_cell cell = {.index = index};
    while (cell.counter + 1 < COUNTER_COUNT && counter_info(cell.counter + 1)->cell <= index)
        cell.counter++;
    const struct counter_info *info = counter_info(cell.counter);
    int spread = counter_spread(info), combination = (index - info->cell) / spread;
    cell.part = (index - info->cell) % spread;
    for (int i = COUNTER_LABELS_MAX - 1; i >= 0; i--) {
        int size = counter_label_info(info->labels[i])->size;
        cell.labels[i] = (unsigned)(combination % size);
        combination /= size;
    }
    return cell;
}

/* Counts up, the part first, the last label next. */
bool counter_cell_next(struct counter_cell *cell)
{
    if (++cell->index >= COUNTER_CELLS)
        return false;
    const struct counter_info *info = counter_info(cell->counter);
    if (cell->index == 0)
        return true;
    if (++cell->part < counter_spread(info))
        return true;
    cell->part = 0;
    for (int i = COUNTER_LABELS_MAX - 1; i >= 0; i--) {
        if (++cell->labels[i] < info->sizes[i])
            return true;
        cell->labels[i] = 0;
    }
    cell->counter++;
    return true;
}

/* -- names -------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->data + text->length, COUNTER_FIELD_SIZE - text->length, format,
                           arguments);
    va_end(arguments);
    if (length > 0)
        text->length += (size_t)length;
    if (text->length >= COUNTER_FIELD_SIZE)
        text->length = COUNTER_FIELD_SIZE - 1;
}

static bool is_sum(const struct counter_info *info, int part)
{
    return info->kind == COUNTER_HISTOGRAM && part == counter_spread(info) - 1;
}

static void add_name(struct text *text, const struct counter_info *info, int part)
{
    const char *unit = counter_unit_suffix(info->unit);
    add(text, "%s%s%s%s", info->name, unit[0] ? "_" : "", unit,
        is_sum(info, part) ? "_sum" : "");
}

static void add_bucket(struct text *text, const struct counter_info *info, int part)
{
    int count;
    const int64_t *bounds = counter_bucket_bounds(info->buckets, &count);
    if (part < count)
        add(text, ",bucket=%lld", (long long)bounds[part]);
    else
        add(text, ",bucket=inf");
}

size_t counter_field_format(const struct counter_set *set, const struct counter_cell *cell,
                            enum counter_process process, char out[static COUNTER_FIELD_SIZE])
{
    const struct counter_info *info = counter_info(cell->counter);
    struct text text = {out, 0};
    add_name(&text, info, cell->part);
    add(&text, "{process=%s", counter_process_name(process));
    for (int i = 0; i < COUNTER_LABELS_MAX && info->labels[i] != COUNTER_LABEL_NONE; i++)
        add(&text, ",%s=%s", counter_label_info(info->labels[i])->name,
            counter_label_text(set, info->labels[i], cell->labels[i]));
    if (info->kind == COUNTER_HISTOGRAM && !is_sum(info, cell->part))
        add_bucket(&text, info, cell->part);
    add(&text, "}");
    return text.length;
}

/* -- back --------------------------------------------------------------------------------- */

static bool take(struct slice *rest, struct slice text)
{
    if (rest->length < text.length || memcmp(rest->data, text.data, text.length) != 0)
        return false;
    rest->data += text.length;
    rest->length -= text.length;
    return true;
}

static bool take_string(struct slice *rest, const char *text)
{
    return take(rest, slice_from_string(text));
}

/* Up to the next comma or brace. */
static struct slice take_value(struct slice *rest)
{
    struct slice value = {rest->data, 0};
    while (value.length < rest->length && !strchr(",}", value.data[value.length]))
        value.length++;
    rest->data += value.length;
    rest->length -= value.length;
    return value;
}

static bool take_process(struct slice *rest, enum counter_process *process_r)
{
    if (!take_string(rest, "{process="))
        return false;
    struct slice value = take_value(rest);
    for (int i = 0; i < COUNTER_PROCESS_COUNT; i++)
        if (slice_equals(value,
                         slice_from_string(counter_process_name((enum counter_process)i)))) {
            *process_r = (enum counter_process)i;
            return true;
        }
    return false;
}

static int value_of(struct counter_set *set, enum counter_label label, struct slice text)
{
    const struct counter_label_info *info = counter_label_info(label);
    if (!info->value_name)
        return (int)counter_name(set, label, text);
    for (int value = 0; value < info->size; value++)
        if (slice_equals(text, slice_from_string(info->value_name(value))))
            return value;
    return -1;
}

static int bucket_of(const struct counter_info *info, struct slice *rest)
{
    int count;
    int64_t bound;
    const int64_t *bounds = counter_bucket_bounds(info->buckets, &count);
    if (!take_string(rest, ",bucket="))
        return -1;
    struct slice value = take_value(rest);
    if (slice_equals(value, SLICE_LITERAL("inf")))
        return count;
    if (!number_parse(value, INT64_MAX, &bound))
        return -1;
    for (int i = 0; i < count; i++)
        if (bounds[i] == bound)
            return i;
    return -1;
}

/* rest: what follows the name. */
static int parse_labels(const struct counter_info *info, bool is_sum_, struct slice rest,
                        struct counter_set *sets[COUNTER_PROCESS_COUNT],
                        enum counter_process *process_r)
{
    int combination = 0, part = 0;
    if (!take_process(&rest, process_r))
        return -1;
    for (int i = 0; i < COUNTER_LABELS_MAX && info->labels[i] != COUNTER_LABEL_NONE; i++) {
        const struct counter_label_info *label = counter_label_info(info->labels[i]);
        if (!take_string(&rest, ",") || !take_string(&rest, label->name) ||
            !take_string(&rest, "="))
            return -1;
        int value = value_of(sets[*process_r], info->labels[i], take_value(&rest));
        if (value < 0)
            return -1;
        combination = combination * label->size + value;
    }
    if (is_sum_)
        part = counter_spread(info) - 1;
    else if (info->kind == COUNTER_HISTOGRAM)
        part = bucket_of(info, &rest);
    if (part < 0 || !slice_equals(rest, SLICE_LITERAL("}")))
        return -1;
    return info->cell + combination * counter_spread(info) + part;
}

int counter_field_parse(struct slice field, struct counter_set *sets[COUNTER_PROCESS_COUNT],
                        enum counter_process *process_r)
{
    struct slice name = field;
    const char *brace = field.length ? memchr(field.data, '{', field.length) : NULL;
    if (!brace)
        return -1;
    name.length = (size_t)(brace - field.data);
    struct slice rest = {brace, field.length - name.length};
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_info *info = counter_info((enum counter)i);
        int parts[] = {0, counter_spread(info) - 1};
        for (int j = 0; j < (info->kind == COUNTER_HISTOGRAM ? 2 : 1); j++) {
            char buffer[COUNTER_FIELD_SIZE];
            struct text text = {buffer, 0};
            add_name(&text, info, parts[j]);
            if (slice_equals(name, (struct slice){buffer, text.length}))
                return parse_labels(info, j == 1, rest, sets, process_r);
        }
    }
    return -1;
}
