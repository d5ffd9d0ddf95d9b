#include "common/counter_flush.h"

#include "common/counter_field.h"
#include "common/memory.h"
#include "common/redis_command.h"
#include "common/redis_keys.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMANDS_MAX 4194304 /* bytes */
#define ID_SIZE      128
#define OPEN_SIZE    (CLASS_COUNT * 24)

enum part { PART_TOTAL, PART_MINUTE, PART_COUNT };

struct counter_flush {
    struct counter_set *set;
    enum counter_process process;
    char id[ID_SIZE];
    uint64_t taken[COUNTER_CELLS]; /* what batches so far had */
    uint64_t batch[COUNTER_CELLS]; /* added since: the present batch */
    uint64_t number;               /* of the present batch */
    bool is_written[PART_COUNT];   /* of the present batch; both: there is none */
    int64_t minute;
    /* Of the commands on their way: which part each is; PART_COUNT: of the gauges. */
    enum part sent[COUNTER_FLUSH_COMMANDS];
    size_t sent_count;
};

/*
 * KEYS: one hash. ARGV: process, batch, expiry in seconds (0: none), open sessions of each
 * class ("-": does not say), lease in seconds, names of the fields for sessions lost and
 * started of each class, then names and amounts.
 *
 * The field "processes" has an entry for each process: "ID BATCH SEEN OPEN;". An OPEN that
 * begins with "!" was counted as lost. An entry without open sessions is dropped when it is
 * old, or one of too many.
 */
const char counter_flush_script[] =
    "local key, id, batch, open = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[4]\n"
    "if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end\n"
    "local now = tonumber(redis.call('TIME')[1])\n"
    "local add, entries = {}, {}\n"
    "local function each(o, first)\n"
    "  local i = first\n"
    "  for n in string.gmatch(o, '%d+') do\n"
    "    if n ~= '0' then add[#add + 1] = ARGV[i]; add[#add + 1] = n end\n"
    "    i = i + 1\n"
    "  end\n"
    "end\n"
    "local list = redis.call('HGET', key, 'processes') or ''\n"
    "for who, n, seen, o in string.gmatch(list, '(%S+) (%d+) (%d+) (%S+);') do\n"
    "  n, seen = tonumber(n), tonumber(seen)\n"
    "  local some = string.find(o, '[1-9]')\n"
    "  if who == id then\n"
    "    if n >= batch then return 0 end\n"
    "    if string.sub(o, 1, 1) == '!' then each(o, 12) end\n"
    "  elseif #entries < 100 or (some and #entries < 200) then\n"
    "    if some and open ~= '-' and string.sub(o, 1, 1) ~= '!' and\n"
    "       (now - seen > tonumber(ARGV[5]) or seen > now + 60) then\n"
    "      each(o, 6)\n"
    "      o = '!' .. o\n"
    "    end\n"
    "    if now - seen < 600 then\n"
    "      entries[#entries + 1] = string.format('%s %.0f %.0f %s;', who, n, seen, o)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "table.insert(entries, 1, string.format('%s %.0f %.0f %s;', id, batch, now, open))\n"
    "redis.call('HSET', key, 'processes', table.concat(entries))\n"
    "for i = 18, #ARGV do add[#add + 1] = ARGV[i] end\n"
    "for i = 1, #add, 2 do redis.pcall('HINCRBY', key, add[i], add[i + 1]) end\n"
    "if ARGV[3] ~= '0' then redis.call('EXPIRE', key, ARGV[3]) end\n"
    "return 1\n";
#define FIXED_ARGUMENTS                                                                        \
    (4 + 5 + 2 * CLASS_COUNT) /* with the command, script, key and its count */
_Static_assert(CLASS_COUNT == 6, "the script counts its arguments");

struct counter_flush *counter_flush_create(struct counter_set *set,
                                           enum counter_process process, const char *id)
{
    struct counter_flush *flush = memory_allocate(1, sizeof(*flush));
    flush->set = set;
    flush->process = process;
    slice_copy_string(slice_from_string(id), flush->id, sizeof(flush->id));
    flush->is_written[PART_TOTAL] = flush->is_written[PART_MINUTE] = true;
    return flush;
}

void counter_flush_free(struct counter_flush *flush)
{
    free(flush);
}

/* -- the batch ---------------------------------------------------------------------------- */

static uint64_t load(const struct counter_flush *flush, int index)
{
    return atomic_load_explicit(&flush->set->cells[index], memory_order_acquire);
}

static int end_of(const struct counter_info *info)
{
    return info->cell + counter_combinations(info) * counter_spread(info);
}

/* From the last cell to the first, so that no session has ended that did not start. True: there
 * is something. */
static bool collect_counts(struct counter_flush *flush)
{
    uint64_t some = 0;
    for (int i = COUNTER_COUNT - 1; i >= 0; i--) {
        const struct counter_info *info = counter_info((enum counter)i);
        for (int index = end_of(info) - 1; index >= info->cell && info->kind != COUNTER_GAUGE;
             index--) {
            flush->batch[index] = load(flush, index) - flush->taken[index];
            some |= flush->batch[index];
        }
    }
    return some != 0;
}

static bool collect_gauges(struct counter_flush *flush)
{
    uint64_t some = 0;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_info *info = counter_info((enum counter)i);
        for (int index = info->cell; index < end_of(info) && info->kind == COUNTER_GAUGE;
             index++)
            some |= flush->batch[index] = load(flush, index);
    }
    return some != 0;
}

static void settle(struct counter_flush *flush)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_info *info = counter_info((enum counter)i);
        for (int index = info->cell; index < end_of(info) && info->kind != COUNTER_GAUGE;
             index++)
            flush->taken[index] += flush->batch[index];
    }
}

bool counter_flush_is_settled(const struct counter_flush *flush)
{
    return flush->is_written[PART_TOTAL] && flush->is_written[PART_MINUTE];
}

/* -- the commands ------------------------------------------------------------------------- */

static void append(struct buffer *out, const struct redis_command *command)
{
    buffer_append(out, command->data, command->length);
}

static void begin(struct buffer *out, size_t arguments)
{
    char data[32];
    struct redis_command command = REDIS_COMMAND(data);
    redis_command_begin(&command, arguments);
    append(out, &command);
}

static void add(struct buffer *out, struct slice argument)
{
    char data[COUNTER_FIELD_SIZE + 32];
    struct redis_command command = REDIS_COMMAND(data);
    redis_command_add(&command, argument);
    append(out, &command);
}

static void add_text(struct buffer *out, const char *text)
{
    add(out, slice_from_string(text));
}

static void add_number(struct buffer *out, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)number);
    add_text(out, text);
}

static void add_script(struct buffer *out)
{
    char data[sizeof(counter_flush_script) + 32];
    struct redis_command command = REDIS_COMMAND(data);
    redis_command_add(&command, slice_from_string(counter_flush_script));
    append(out, &command);
}

static void add_field(const struct counter_flush *flush, const struct counter_cell *cell,
                      struct buffer *out)
{
    char text[COUNTER_FIELD_SIZE];
    size_t length = counter_field_format(flush->set, cell, flush->process, text);
    add(out, (struct slice){text, length});
}

/* Sessions are the milter's, whoever finds them lost. */
static void add_session_fields(const struct counter_flush *flush, struct counter_cell cell,
                               struct buffer *out)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        char text[COUNTER_FIELD_SIZE];
        cell.labels[0] = class;
        size_t length = counter_field_format(flush->set, &cell, COUNTER_PROCESS_MILTER, text);
        add(out, (struct slice){text, length});
    }
}

static uint64_t counted(const struct counter_flush *flush, int index)
{
    return flush->taken[index] + flush->batch[index];
}

static int64_t count_open(const struct counter_flush *flush, int class)
{
    int64_t open = (int64_t)counted(flush, COUNTER_CELL_SESSIONS_STARTED + class);
    for (int end = 0; end < SESSION_END_COUNT; end++)
        open -= (int64_t)counted(flush,
                                 COUNTER_CELL_SESSIONS_ENDED + class * SESSION_END_COUNT + end);
    return open > 0 ? open : 0;
}

static bool has_open(const struct counter_flush *flush)
{
    bool has_some = false;
    for (int class = 0; class < CLASS_COUNT; class ++)
        has_some = has_some || count_open(flush, class) > 0;
    return has_some;
}

static void format_open(const struct counter_flush *flush, char text[static OPEN_SIZE])
{
    size_t length = 0;
    for (int class = 0; class < CLASS_COUNT; class ++)
        length += (size_t)snprintf(text + length, OPEN_SIZE - length, "%s%lld",
                                   class ? "," : "", (long long)count_open(flush, class));
}

static void add_key(const struct counter_flush *flush, enum part part,
                    const struct counter_flush_target *target, struct buffer *out)
{
    struct redis_key key;
    if (part == PART_TOTAL)
        redis_key_total(&key, target->prefix, target->host);
    else
        redis_key_stats(&key, target->prefix, target->host, flush->minute);
    add(out, redis_key_slice(&key));
}

static size_t count_fields(const struct counter_flush *flush, bool is_of_gauges)
{
    struct counter_cell cell = COUNTER_CELL_BEGIN;
    size_t count = 0;
    while (counter_cell_next(&cell)) {
        bool is_gauge = counter_info(cell.counter)->kind == COUNTER_GAUGE;
        count += is_gauge == is_of_gauges && flush->batch[cell.index] != 0;
    }
    return count;
}

static void add_counts(const struct counter_flush *flush, enum part part,
                       const struct counter_flush_target *target, struct buffer *out)
{
    struct counter_cell cell = COUNTER_CELL_BEGIN;
    char open[OPEN_SIZE] = "-";
    if (part == PART_TOTAL)
        format_open(flush, open);
    begin(out, FIXED_ARGUMENTS + 2 * count_fields(flush, false));
    add_text(out, "EVAL");
    add_script(out);
    add_text(out, "1");
    add_key(flush, part, target, out);
    add_text(out, flush->id);
    add_number(out, (int64_t)flush->number);
    add_number(out, part == PART_TOTAL ? 0 : COUNTER_STATS_EXPIRE_S);
    add_text(out, open);
    add_number(out, COUNTER_FLUSH_LEASE_S);
    cell.counter = COUNTER_SESSIONS_ENDED;
    cell.labels[1] = SESSION_END_LOST;
    add_session_fields(flush, cell, out);
    cell = COUNTER_CELL_BEGIN;
    cell.counter = COUNTER_SESSIONS_STARTED;
    add_session_fields(flush, cell, out);
    cell = COUNTER_CELL_BEGIN;
    while (counter_cell_next(&cell)) {
        if (counter_info(cell.counter)->kind == COUNTER_GAUGE || !flush->batch[cell.index])
            continue;
        add_field(flush, &cell, out);
        add_number(out, (int64_t)flush->batch[cell.index]);
    }
}

/* HSET and EXPIRE. A gauge that is not set any more stays until the key expires. */
static void add_gauges(const struct counter_flush *flush,
                       const struct counter_flush_target *target, struct buffer *out)
{
    struct counter_cell cell = COUNTER_CELL_BEGIN;
    struct redis_key key;
    redis_key_gauge(&key, target->prefix, target->host, counter_process_name(flush->process));
    begin(out, 2 + 2 * count_fields(flush, true));
    add_text(out, "HSET");
    add(out, redis_key_slice(&key));
    while (counter_cell_next(&cell)) {
        int64_t value;
        if (counter_info(cell.counter)->kind != COUNTER_GAUGE ||
            !counter_gauge_of_cell(flush->batch[cell.index], &value))
            continue;
        add_field(flush, &cell, out);
        add_number(out, value);
    }
    begin(out, 3);
    add_text(out, "EXPIRE");
    add(out, redis_key_slice(&key));
    add_number(out, COUNTER_GAUGE_EXPIRE_S);
}

static void note_sent(struct counter_flush *flush, enum part part)
{
    flush->sent[flush->sent_count++] = part;
}

size_t counter_flush_commands(struct counter_flush *flush,
                              const struct counter_flush_target *target,
                              struct buffer *commands_r)
{
    *commands_r = BUFFER_WITH_MAXIMUM(COMMANDS_MAX);
    flush->sent_count = 0;
    if (counter_flush_is_settled(flush)) {
        bool has_counts = collect_counts(flush);
        /* Open sessions want to be told of even when nothing happens. */
        flush->is_written[PART_TOTAL] = !has_counts && !has_open(flush);
        flush->is_written[PART_MINUTE] = !has_counts;
        flush->minute = target->wall_s / 60;
        flush->number += !counter_flush_is_settled(flush);
    }
    for (int part = 0; part < PART_COUNT; part++) {
        if (flush->is_written[part])
            continue;
        add_counts(flush, (enum part)part, target, commands_r);
        note_sent(flush, (enum part)part);
    }
    if (!target->is_last && collect_gauges(flush)) {
        add_gauges(flush, target, commands_r);
        note_sent(flush, PART_COUNT);
        note_sent(flush, PART_COUNT);
    }
    return flush->sent_count;
}

void counter_flush_reply(struct counter_flush *flush, size_t index, bool is_done)
{
    if (!is_done || index >= flush->sent_count || flush->sent[index] == PART_COUNT)
        return;
    bool was_done = counter_flush_is_settled(flush);
    flush->is_written[flush->sent[index]] = true;
    if (!was_done && counter_flush_is_settled(flush))
        settle(flush);
}
