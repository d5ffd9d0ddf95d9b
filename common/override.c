#include "common/override.h"

#include "common/number.h"

#include <stdio.h>

bool override_set_field(struct override *override, struct slice name, struct slice value)
{
    if (slice_equals(name, SLICE_LITERAL("level")))
        return override->has_level = level_by_name(value, &override->level);
    if (slice_equals(name, SLICE_LITERAL("mode")))
        return override->is_off = slice_equals(value, SLICE_LITERAL("off"));
    if (slice_equals(name, SLICE_LITERAL("level_until")))
        return number_parse(value, INT64_MAX, &override->level_until_s);
    if (slice_equals(name, SLICE_LITERAL("mode_until")))
        return number_parse(value, INT64_MAX, &override->off_until_s);
    if (slice_equals(name, SLICE_LITERAL("by")))
        slice_copy_string(value, override->by, sizeof(override->by));
    else if (slice_equals(name, SLICE_LITERAL("note")))
        slice_copy_string(value, override->note, sizeof(override->note));
    else
        return false;
    return true;
}

void override_parse(const struct redis_field *fields, size_t count, struct override *override_r)
{
    *override_r = (struct override){.has_level = false};
    for (size_t i = 0; i < count; i++)
        override_set_field(override_r, fields[i].name, fields[i].value);
}

static bool is_in_force(int64_t until_s, int64_t now_s)
{
    return until_s > now_s && until_s - now_s <= OVERRIDE_SECONDS_MAX;
}

static void apply(struct override_effect *effect, const struct override *override,
                  bool is_for_all, int64_t now_s)
{
    if (override->has_level && is_in_force(override->level_until_s, now_s)) {
        effect->is_level_forced = true;
        effect->level = override->level;
        effect->level_until_s = override->level_until_s;
        effect->is_level_for_all = is_for_all;
    }
    if (override->is_off && is_in_force(override->off_until_s, now_s)) {
        effect->is_off = true;
        effect->off_until_s = override->off_until_s;
        effect->is_off_for_all = is_for_all;
    }
}

struct override_effect override_effect(const struct override *host, const struct override *all,
                                       int64_t now_s)
{
    struct override_effect effect = {.is_off = false};
    apply(&effect, all, true, now_s);
    apply(&effect, host, false, now_s);
    return effect;
}

bool override_effect_equals(const struct override_effect *a, const struct override_effect *b)
{
    return a->is_level_forced == b->is_level_forced && a->is_off == b->is_off &&
           a->level == b->level && a->level_until_s == b->level_until_s &&
           a->off_until_s == b->off_until_s && a->is_level_for_all == b->is_level_for_all &&
           a->is_off_for_all == b->is_off_for_all;
}

/* ARGV: level or mode, value ("": take back), seconds, by, note. What has run out goes; the key
 * lives as long as the last aspect. */
const char override_script[] =
    "local now = tonumber(redis.call('TIME')[1])\n"
    "local key, aspect, value = KEYS[1], ARGV[1], ARGV[2]\n"
    "if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end\n"
    "if value == '' then redis.call('HDEL', key, aspect, aspect .. '_until')\n"
    "else\n"
    "  redis.call('HSET', key, aspect, value, aspect .. '_until',\n"
    "    string.format('%.0f', now + tonumber(ARGV[3])), 'by', ARGV[4], 'note', ARGV[5])\n"
    "end\n"
    "local last = 0\n"
    "for _, name in ipairs({'level', 'mode'}) do\n"
    "  local till = tonumber(redis.call('HGET', key, name .. '_until')) or 0\n"
    "  if till <= now then redis.call('HDEL', key, name, name .. '_until')\n"
    "  elseif till > last then last = till end\n"
    "end\n"
    "if last == 0 then redis.call('DEL', key)\n"
    "else redis.call('EXPIREAT', key, string.format('%.0f', last)) end\n"
    "return {now, redis.call('HGETALL', key)}\n";

static const struct slice aspect_names[] = {
    [OVERRIDE_LEVEL] = SLICE_LITERAL("level"), [OVERRIDE_MODE] = SLICE_LITERAL("mode")};

static struct slice cut(struct slice text)
{
    if (text.length >= OVERRIDE_TEXT_SIZE)
        text.length = OVERRIDE_TEXT_SIZE - 1;
    return text;
}

void override_command(struct redis_command *command, struct slice key,
                      enum override_aspect aspect, struct slice value, int64_t seconds,
                      struct slice by, struct slice note)
{
    char text[24];
    if (seconds > OVERRIDE_SECONDS_MAX)
        seconds = OVERRIDE_SECONDS_MAX;
    snprintf(text, sizeof(text), "%lld", (long long)seconds);
    redis_command_begin(command, 9);
    redis_command_add(command, SLICE_LITERAL("EVAL"));
    redis_command_add(command, slice_from_string(override_script));
    redis_command_add(command, SLICE_LITERAL("1"));
    redis_command_add(command, key);
    redis_command_add(command, aspect_names[aspect]);
    redis_command_add(command, value);
    redis_command_add(command, slice_from_string(text));
    redis_command_add(command, cut(by));
    redis_command_add(command, cut(note));
}
