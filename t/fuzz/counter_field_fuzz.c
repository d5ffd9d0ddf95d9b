/*
 * Fuzzer of the names of counters in Redis: a name is none of ours, or has a cell; and the name
 * that the cell has leads back to it. Lines "NAME VALUE" of the input become a snapshot, which
 * can be rendered.
 */
#include "common/counter_field.h"
#include "common/metrics_text.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void take_line(struct counter_snapshot *snapshot, struct slice line)
{
    struct counter_set *sets[COUNTER_PROCESS_COUNT];
    enum counter_process process, again;
    struct redis_field field = {.name = line};
    const char *space = line.length ? memchr(line.data, ' ', line.length) : NULL;
    if (space) {
        field.name.length = (size_t)(space - line.data);
        field.value = (struct slice){space + 1, line.length - field.name.length - 1};
    }
    for (int i = 0; i < COUNTER_PROCESS_COUNT; i++)
        sets[i] = &snapshot->sets[i];
    int cell = counter_field_parse(field.name, sets, &process);
    require(cell >= -1 && cell < COUNTER_CELLS);
    counter_snapshot_add(snapshot, &field, COUNTER_PROCESS_COUNT);
    if (cell < 0)
        return;
    char name[COUNTER_FIELD_SIZE];
    struct counter_cell at = counter_cell_at(cell);
    size_t length = counter_field_format(sets[process], &at, process, name);
    require(counter_field_parse((struct slice){name, length}, sets, &again) == cell);
    require(again == process);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counter_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    struct slice rest = {(const char *)data, size};
    struct buffer text = BUFFER_WITH_MAXIMUM(METRICS_TEXT_MAX);
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end ? (size_t)(end - rest.data) : rest.length;
        take_line(snapshot, (struct slice){rest.data, length});
        length += end != NULL;
        rest = (struct slice){rest.data + length, rest.length - length};
    }
    require(metrics_text_render(snapshot, "1", &text));
    buffer_free(&text);
    free(snapshot);
    return 0;
}
