#include "common/access_list.h"

#include "common/memory.h"
#include "common/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_MARK "forget " /* before the key, in the name of the field */

static const char *const kind_names[ACCESS_KIND_COUNT] = {
    [ACCESS_ALLOW] = "allow",
    [ACCESS_BLOCK] = "block",
    [ACCESS_FORGET] = "forget",
};

const char *access_kind_name(enum access_kind kind)
{
    return kind_names[kind];
}

void access_key_format(const struct network *network, char out[static ACCESS_KEY_SIZE])
{
    char address[ADDRESS_TEXT_SIZE];
    address_format(&network->address, address);
    bool is_single =
        network->prefix_length == (network->address.family == ADDRESS_IPV4 ? 32 : 128);
    if (is_single)
        snprintf(out, ACCESS_KEY_SIZE, "%s", address);
    else
        snprintf(out, ACCESS_KEY_SIZE, "%s/%d", address, network->prefix_length);
}

/* The next word of a value; what is left in rest. */
static struct slice next_word(struct slice *rest)
{
    const char *end = rest->length ? memchr(rest->data, ' ', rest->length) : NULL;
    struct slice word = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t used = end ? word.length + 1 : word.length;
    *rest = (struct slice){rest->data ? rest->data + used : NULL, rest->length - used};
    return word;
}

static bool parse_kind(struct slice text, enum access_kind *kind_r)
{
    for (enum access_kind kind = 0; kind < ACCESS_KIND_COUNT; kind++) {
        if (slice_equals(text, slice_from_string(kind_names[kind]))) {
            *kind_r = kind;
            return true;
        }
    }
    return false;
}

static bool parse_entry(const struct redis_field *field, struct access_entry *entry_r)
{
    struct slice name = field->name, rest = field->value;
    const size_t mark = sizeof(FORGET_MARK) - 1;
    bool is_forget = name.length > mark && memcmp(name.data, FORGET_MARK, mark) == 0;
    if (is_forget)
        name = (struct slice){name.data + mark, name.length - mark};
    if (!slice_copy_string(name, entry_r->key, sizeof(entry_r->key)) ||
        (!is_forget && !network_parse(name, &entry_r->network)) ||
        !parse_kind(next_word(&rest), &entry_r->kind) ||
        (entry_r->kind == ACCESS_FORGET) != is_forget ||
        !number_parse(next_word(&rest), INT64_MAX, &entry_r->until_s) ||
        !number_parse(next_word(&rest), INT64_MAX, &entry_r->set_s))
        return false;
    slice_copy_string(next_word(&rest), entry_r->by, sizeof(entry_r->by));
    slice_copy_string(rest, entry_r->note, sizeof(entry_r->note));
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct access_entry *one = a, *other = b;
    int difference = other->network.prefix_length - one->network.prefix_length;
    return difference != 0 ? difference : strcmp(one->key, other->key);
}

void access_list_read(struct access_list *list, const struct redis_field *fields, size_t count)
{
    access_list_free(list);
    if (count == 0)
        return;
    if (count > ACCESS_LIST_MAX + 1)
        count = ACCESS_LIST_MAX + 1; /* one is the version */
    list->entries = memory_allocate(count, sizeof(*list->entries));
    for (size_t i = 0; i < count; i++)
        if (parse_entry(&fields[i], &list->entries[list->count]))
            list->count++;
    if (list->count > 0)
        qsort(list->entries, list->count, sizeof(*list->entries), compare);
}

void access_list_free(struct access_list *list)
{
    free(list->entries);
    *list = (struct access_list){.count = 0};
}

bool access_entry_is_in_force(const struct access_entry *entry, int64_t now_s)
{
    return entry->until_s > now_s && entry->until_s - now_s <= ACCESS_SECONDS_MAX;
}

const struct access_entry *access_list_find(const struct access_list *list,
                                            const struct address *address, int64_t now_s)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct access_entry *entry = &list->entries[i];
        if (entry->kind != ACCESS_FORGET && network_contains(&entry->network, address) &&
            access_entry_is_in_force(entry, now_s))
            return entry;
    }
    return NULL;
}

void access_list_tell(const struct access_list *list, const struct address *address,
                      int64_t now_s, struct client_facts *facts)
{
    const struct access_entry *entry = access_list_find(list, address, now_s);
    if (entry && entry->kind == ACCESS_ALLOW)
        facts->is_allowed = true;
    if (entry && entry->kind == ACCESS_BLOCK)
        facts->is_blocked = true;
}

/* ARGV: kind, key, seconds, by, note, most entries, seconds of an order to forget. What has run
 * out goes; the hash lives as long as the last entry, and long enough to tell of a change. */
const char access_set_script[] =
    "local now = tonumber(redis.call('TIME')[1])\n"
    "local hash, kind, key, seconds = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])\n"
    "if redis.call('TYPE', hash).ok ~= 'hash' then redis.call('DEL', hash) end\n"
    "local all, count, last = redis.call('HGETALL', hash), 0, now + tonumber(ARGV[7])\n"
    "for i = 1, #all, 2 do\n"
    "  local till = tonumber(string.match(all[i + 1], '^%a+ (%d+) ')) or 0\n"
    "  if all[i] == 'version' then count = count + 0\n"
    "  elseif till <= now then redis.call('HDEL', hash, all[i])\n"
    "  else\n"
    "    count = count + 1\n"
    "    if till > last then last = till end\n"
    "  end\n"
    "end\n"
    "local changed = 0\n"
    "if seconds == 0 or kind == 'forget' then\n"
    "  changed = redis.call('HDEL', hash, key)\n"
    "  count = count - changed\n"
    "end\n"
    "if seconds > 0 then\n"
    "  local name = kind == 'forget' and 'forget ' .. key or key\n"
    "  if count >= tonumber(ARGV[6]) and redis.call('HEXISTS', hash, name) == 0 then\n"
    "    return redis.error_reply('ACCESSFULL the list is full')\n"
    "  end\n"
    "  local till = now + seconds\n"
    "  if till > last then last = till end\n"
    "  redis.call('HSET', hash, name, string.format('%s %.0f %.0f %s %s', kind, till, now,\n"
    "    ARGV[4], ARGV[5]))\n"
    "end\n"
    "redis.call('HSET', hash, 'version', string.format('%.0f', now) .. '.' ..\n"
    "  redis.call('TIME')[2])\n"
    "redis.call('EXPIREAT', hash, string.format('%.0f', last))\n"
    "return {now, changed}\n";

/* ARGV: the version that is known. */
const char access_read_script[] =
    "local now = tonumber(redis.call('TIME')[1])\n"
    "if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {now, '', {}} end\n"
    "local version = redis.call('HGET', KEYS[1], 'version') or ''\n"
    "if version ~= '' and version == ARGV[1] then return {now, version} end\n"
    "return {now, version, redis.call('HGETALL', KEYS[1])}\n";

static struct slice cut(struct slice text, size_t size)
{
    return (struct slice){text.data, text.length < size ? text.length : size - 1};
}

static void add_number(struct redis_command *command, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)number);
    redis_command_add(command, slice_from_string(text));
}

void access_set_command(struct redis_command *command, struct slice key,
                        const struct access_order *order)
{
    redis_command_begin(command, 11);
    redis_command_add(command, SLICE_LITERAL("EVAL"));
    redis_command_add(command, slice_from_string(access_set_script));
    redis_command_add(command, SLICE_LITERAL("1"));
    redis_command_add(command, key);
    redis_command_add(command, slice_from_string(kind_names[order->kind]));
    redis_command_add(command, order->key);
    add_number(command,
               order->seconds < ACCESS_SECONDS_MAX ? order->seconds : ACCESS_SECONDS_MAX);
    redis_command_add(command, cut(order->by, ACCESS_BY_SIZE));
    redis_command_add(command, cut(order->note, ACCESS_NOTE_SIZE));
    add_number(command, ACCESS_LIST_MAX);
    add_number(command, ACCESS_FORGET_S);
}

void access_read_command(struct redis_command *command, struct slice key,
                         struct slice known_version)
{
    redis_command_begin(command, 5);
    redis_command_add(command, SLICE_LITERAL("EVAL"));
    redis_command_add(command, slice_from_string(access_read_script));
    redis_command_add(command, SLICE_LITERAL("1"));
    redis_command_add(command, key);
    redis_command_add(command, known_version);
}
