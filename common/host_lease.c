#include "common/host_lease.h"

#include <stdio.h>

#define TEXT(value)  TEXT_(value)
#define TEXT_(value) #value

_Static_assert(HOST_STATE_SERVICES_MAX *SERVICE_FIELDS_MAX + 16 <= HOST_STATE_FIELDS_MAX,
               "all that a host may publish is read back");

/*
 * ARGV: publisher, id, expiry in seconds, is_last, then names and values of the fields.
 *
 * The record is written anew each time, so that nothing of a former holder stays; who was seen
 * is kept for as long as the record would live. A time ahead of now was not set here.
 */
const char host_lease_script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local key, role, id = KEYS[1], ARGV[1], ARGV[2]\n"
    "local rank = {policyd = 1, milter = 2}\n"
    "if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end\n"
    "local old, kept = redis.call('HGETALL', key), {}\n"
    "for i = 1, #old, 2 do kept[old[i]] = old[i + 1] end\n"
    "local function text(n) return string.format('%.0f', n) end\n"
    "local function within(s, ms)\n"
    "  s = tonumber(s or '')\n"
    "  return s and s <= now + 1000 and now - s < ms\n"
    "end\n"
    "local set = {}\n"
    "local function put(name, value) set[#set + 1] = name; set[#set + 1] = value end\n"
    "for name in pairs(rank) do\n"
    "  local seen = name .. '_seen_ms'\n"
    "  if name == role then if ARGV[4] ~= '1' then put(seen, text(now)) end\n"
    "  elseif within(kept[seen], ARGV[3] * 1000) then put(seen, kept[seen]) end\n"
    "end\n"
    "local holder = kept.id or ''\n"
    "local alive = holder ~= '' and within(kept.renewed_ms, " TEXT(
        HOST_LEASE_SILENT_MS) ")\n"
                              "local taken = not alive or holder == id or rank[role] > "
                              "(rank[kept.publisher] or 0)\n"
                              "local before = ''\n"
                              "if ARGV[4] == '1' then\n"
                              "  redis.call('HDEL', key, role .. '_seen_ms')\n"
                              "  if holder == id or not alive then redis.call('DEL', key) end\n"
                              "  if holder == id then put('publisher', 'none') end\n"
                              "  taken = false\n"
                              "elseif taken then\n"
                              "  if holder ~= id then before = holder end\n"
                              "  redis.call('DEL', key)\n"
                              "  put('publisher', role); put('id', id)\n"
                              "  put('renewed_ms', text(now)); put('updated', text(t[1]))\n"
                              "  for i = 5, #ARGV do set[#set + 1] = ARGV[i] end\n"
                              "end\n"
                              "if #set > 0 then\n"
                              "  redis.call('HSET', key, unpack(set))\n"
                              "  redis.call('EXPIRE', key, ARGV[3])\n"
                              "end\n"
                              "return {now, taken and 1 or 0, before, redis.call('HGETALL', "
                              "key)}\n";

struct counted_command {
    struct redis_command *command; /* NULL: only counts */
    size_t count;
};

static void add(struct counted_command *counted, struct slice argument)
{
    counted->count++;
    if (counted->command)
        redis_command_add(counted->command, argument);
}

static void add_text(struct counted_command *counted, const char *text)
{
    add(counted, slice_from_string(text));
}

static void add_number(struct counted_command *counted, const char *name, int number)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", number);
    add_text(counted, name);
    add_text(counted, text);
}

static void add_service(struct counted_command *counted, const struct service_state *service,
                        bool is_first)
{
    char value[SERVICE_VALUE_SIZE], name[SERVICE_NAME_SIZE + 32];
    const char *field;
    for (size_t i = 0; i < service_state_field_count(); i++) {
        if (!service_state_field(service, i, &field, value))
            continue;
        snprintf(name, sizeof(name), "%s%s%s", is_first ? "" : service->name,
                 is_first ? "" : ".", field);
        add_text(counted, name);
        add_text(counted, value);
    }
}

static void add_all(struct counted_command *counted, struct slice key,
                    const struct host_lease_offer *offer)
{
    const struct host_state *state = offer->state;
    add_text(counted, "EVAL");
    add_text(counted, host_lease_script);
    add_text(counted, "1");
    add(counted, key);
    add_text(counted, publisher_name(offer->publisher));
    add(counted, offer->id);
    char expiry_s[24];
    snprintf(expiry_s, sizeof(expiry_s), "%d", HOST_STATE_LEASE_MS / 1000);
    add_text(counted, expiry_s);
    add_text(counted, offer->is_last ? "1" : "0");
    add_text(counted, "off");
    add_text(counted, state->is_off ? "yes" : "no");
    add_number(counted, "cluster_hosts", state->cluster_hosts);
    add_number(counted, "cluster_stressed", state->cluster_stressed);
    add_text(counted, "cluster_highest");
    add_text(counted, level_name(state->cluster_highest));
    add_text(counted, "service");
    add_text(counted, state->services[0].name);
    for (size_t i = 0; i < state->service_count; i++)
        add_service(counted, &state->services[i], i == 0);
}

void host_lease_command(struct redis_command *command, struct slice key,
                        const struct host_lease_offer *offer)
{
    struct counted_command counted = {NULL, 0};
    add_all(&counted, key, offer);
    redis_command_begin(command, counted.count);
    counted.command = command;
    add_all(&counted, key, offer);
}

/* ARGV: a name or "". */
const char hosts_script[] =
    "local t = redis.call('TIME')\n"
    "local key = KEYS[1]\n"
    "if redis.call('TYPE', key).ok ~= 'zset' then redis.call('DEL', key) end\n"
    "redis.call('ZREMRANGEBYSCORE', key, '-inf', t[1] - " TEXT(
        HOSTS_FORGET_S) ")\n"
                        "redis.call('ZREMRANGEBYSCORE', key, t[1] + 1, '+inf')\n"
                        "redis.call('ZREMRANGEBYRANK', key, 0, -1025)\n"
                        "if ARGV[1] ~= '' then\n"
                        "  redis.call('ZADD', key, t[1], ARGV[1])\n"
                        "  redis.call('EXPIRE', key, 2 * " TEXT(
                            HOSTS_FORGET_S) ")\n"
                                            "end\n"
                                            "local names = redis.call('ZREVRANGE', key, "
                                            "0, " TEXT(
                                                HOSTS_MAX) " - 1)\n"
                                                           "return {t[1] * 1000 + "
                                                           "math.floor(t[2] / 1000), names}\n";

void hosts_command(struct redis_command *command, struct slice key, struct slice host)
{
    redis_command_begin(command, 5);
    redis_command_add(command, SLICE_LITERAL("EVAL"));
    redis_command_add(command, slice_from_string(hosts_script));
    redis_command_add(command, SLICE_LITERAL("1"));
    redis_command_add(command, key);
    redis_command_add(command, host);
}
