#include "common/counter_select.h"

#include "common/counter_field.h"

static bool is_selected(const struct counter_selection *selection,
                        const struct counter_info *info, const struct counter_cell *cell)
{
    for (int i = 0; i < COUNTER_LABELS_MAX; i++)
        if (info->labels[i] != COUNTER_LABEL_NONE && selection->labels[i] != COUNTER_ANY &&
            selection->labels[i] != cell->labels[i])
            return false;
    return true;
}

/* Of all selected combinations: what is in the cell of this part. */
static uint64_t sum_part(const struct counter_snapshot *snapshot,
                         const struct counter_selection *selection, int part)
{
    const struct counter_info *info = counter_info(selection->counter);
    int spread = counter_spread(info), count = counter_combinations(info);
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        struct counter_cell cell = counter_cell_at(info->cell + i * spread + part);
        if (!is_selected(selection, info, &cell))
            continue;
        for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
            if (selection->process == COUNTER_ANY || selection->process == process)
                sum += snapshot->sets[process].cells[cell.index];
    }
    return sum;
}

int64_t counter_select_sum(const struct counter_snapshot *snapshot,
                           struct counter_selection selection)
{
    int64_t sum = 0;
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
        if (selection.process == COUNTER_ANY || selection.process == process)
            sum += counter_sum(&snapshot->sets[process], selection.counter, selection.labels);
    return sum;
}

int64_t counter_select_quantile(const struct counter_snapshot *snapshot,
                                struct counter_selection selection, double share)
{
    int count;
    const int64_t *bounds =
        counter_bucket_bounds(counter_info(selection.counter)->buckets, &count);
    double all = (double)counter_select_sum(snapshot, selection), seen = 0;
    if (all <= 0)
        return -1;
    for (int part = 0; part < count; part++) {
        seen += (double)sum_part(snapshot, &selection, part);
        if (seen >= share * all)
            return bounds[part];
    }
    return INT64_MAX;
}
