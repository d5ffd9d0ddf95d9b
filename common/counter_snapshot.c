#include "common/counter_snapshot.h"

#include "common/counter_field.h"
#include "common/number.h"

void counter_snapshot_add(struct counter_snapshot *snapshot, const struct redis_field *field,
                          enum counter_process skipped)
{
    struct counter_set *sets[COUNTER_PROCESS_COUNT];
    enum counter_process process;
    int64_t value;
    for (int i = 0; i < COUNTER_PROCESS_COUNT; i++)
        sets[i] = &snapshot->sets[i];
    int cell = counter_field_parse(field->name, sets, &process);
    if (cell < 0 || process == skipped || !number_parse(field->value, INT64_MAX / 4, &value))
        return;
    struct counter_cell at = counter_cell_at(cell);
    snapshot->is_known[process] = true;
    if (counter_info(at.counter)->kind == COUNTER_GAUGE)
        snapshot->sets[process].cells[cell] = counter_gauge_to_cell(value);
    else
        snapshot->sets[process].cells[cell] += (uint64_t)value;
}

void counter_snapshot_set(struct counter_snapshot *snapshot, enum counter_process process,
                          const struct counter_set *set)
{
    counter_set_copy(&snapshot->sets[process], set);
    snapshot->is_known[process] = true;
}
