#include "common/client_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S 86400.0

#define HOUR_S 3600.0

#define ROW(field, help, half_life_s, is_good)                                                 \
    {                                                                                          \
        field, help, half_life_s, is_good                                                      \
    }

/* Good mail is remembered long: a small correspondent writes once a month. Bad evidence is
 * forgotten in days: dynamic addresses change hands. A listing is asked for again anyway. That
 * somebody came back too soon matters while the same stress lasts. */
const struct evidence_row evidence_table[EVIDENCE_COUNT] = {
    [EVIDENCE_ACCEPTED] = ROW("accepted", "messages accepted", 30 * DAY_S, true),
    [EVIDENCE_UNKNOWN_RECIPIENT] =
        ROW("unknown_rcpt", "recipients that do not exist", 2 * DAY_S, false),
    [EVIDENCE_SILENT] = ROW("silent", "sessions that held a slot in silence", 2 * DAY_S, false),
    [EVIDENCE_DROPPED] = ROW("dropped", "sessions dropped before HELO", 2 * DAY_S, false),
    [EVIDENCE_PROTOCOL_ERROR] =
        ROW("protocol_error", "commands that SMTP does not know", 2 * DAY_S, false),
    [EVIDENCE_RECLAIMED] =
        ROW("reclaimed", "sessions whose slot was taken back", 2 * DAY_S, false),
    [EVIDENCE_RBL] = ROW("rbl", "sessions while listed in an RBL", 1 * DAY_S, false),
    [EVIDENCE_HAMMERED] =
        ROW("hammered", "sessions too soon after a hang-up", 6 * HOUR_S, false),
    [EVIDENCE_BAD_CLIENT] =
        ROW("bad_clients", "clients in it that became suspect", 2 * DAY_S, false),
};

void client_record_decay(struct client_record *record, int64_t now_s)
{
    if (now_s <= record->last_seen_s)
        return;
    double age_s = (double)(now_s - record->last_seen_s);
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        if (record->counts[kind] > 0)
            record->counts[kind] *= (float)exp2(-age_s / evidence_table[kind].half_life_s);
    record->last_seen_s = now_s;
}

void client_record_add(struct client_record *record, const struct session_outcome *outcome,
                       int64_t now_s)
{
    client_record_decay(record, now_s);
    if (record->first_seen_s == 0)
        record->first_seen_s = now_s;
    record->last_seen_s = now_s;
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        record->counts[kind] += outcome->counts[kind];
    if (outcome->is_hung_up && now_s - record->hung_up_at_s >= CLIENT_RECORD_BURST_S)
        record->hung_up_at_s = now_s;
    if (outcome->is_shared)
        record->shared_at_s = now_s;
}

bool session_outcome_is_empty(const struct session_outcome *outcome)
{
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        if (outcome->counts[kind] > 0)
            return false;
    return !outcome->is_hung_up && !outcome->is_shared;
}

bool client_record_set_field(struct client_record *record, struct slice name,
                             struct slice value)
{
    char text[32], *end;
    if (value.length == 0 || !slice_copy_string(value, text, sizeof(text)))
        return false;
    double number = strtod(text, &end);
    if (*end != '\0' || !(number >= 0 && number <= 1e12)) /* also refuses NaN */
        return false;

    if (slice_equals(name, SLICE_LITERAL("first")))
        record->first_seen_s = (int64_t)number;
    else if (slice_equals(name, SLICE_LITERAL("last")))
        record->last_seen_s = (int64_t)number;
    else if (slice_equals(name, SLICE_LITERAL("hung_up")))
        record->hung_up_at_s = (int64_t)number;
    else if (slice_equals(name, SLICE_LITERAL("shared")))
        record->shared_at_s = (int64_t)number;
    else {
        for (int kind = 0; kind < EVIDENCE_COUNT; kind++) {
            if (slice_equals(name, slice_from_string(evidence_table[kind].field))) {
                record->counts[kind] = (float)number;
                return true;
            }
        }
        return false;
    }
    return true;
}

void client_record_format_arguments(const struct session_outcome *outcome, int64_t expire_s,
                                    struct client_record_arguments *arguments_r)
{
    char(*text)[CLIENT_RECORD_ARGUMENT_SIZE] = arguments_r->text;
    snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%lld", (long long)expire_s);
    snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%d", outcome->is_hung_up);
    snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%d", outcome->is_shared);
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++) {
        const struct evidence_row *row = &evidence_table[kind];
        snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%s", row->field);
        snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%.0f", row->half_life_s);
        snprintf(*text++, CLIENT_RECORD_ARGUMENT_SIZE, "%g", (double)outcome->counts[kind]);
    }
}

_Static_assert(CLIENT_RECORD_BURST_S == 3, "the script says it too");
/* Counts are kept to a thousandth; what has decayed below that is dropped from the hash. A
 * field that another program made unreadable counts as absent. */
const char client_record_script[] =
    "local now = tonumber(redis.call('TIME')[1])\n"
    "local old, kept = redis.call('HGETALL', KEYS[1]), {}\n"
    "for i = 1, #old, 2 do kept[old[i]] = tonumber(old[i + 1]) end\n"
    "local last = math.min(kept.last or now, now)\n"
    "local set, drop = {'first', kept.first or now, 'last', now}, {}\n"
    "if ARGV[2] == '1' and now - (kept.hung_up or 0) >= 3 then\n"
    "  set[#set + 1] = 'hung_up'; set[#set + 1] = now end\n"
    "if ARGV[3] == '1' then set[#set + 1] = 'shared'; set[#set + 1] = now end\n"
    "for i = 4, #ARGV, 3 do\n"
    "  local n = (kept[ARGV[i]] or 0) * 0.5 ^ ((now - last) / tonumber(ARGV[i + 1]))\n"
    "  n = n + tonumber(ARGV[i + 2])\n"
    "  if n >= 0.001 then\n"
    "    set[#set + 1] = ARGV[i]; set[#set + 1] = string.format('%.3f', n)\n"
    "  elseif kept[ARGV[i]] then drop[#drop + 1] = ARGV[i] end\n"
    "end\n"
    "redis.call('HSET', KEYS[1], unpack(set))\n"
    "if #drop > 0 then redis.call('HDEL', KEYS[1], unpack(drop)) end\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[1])\n"
    "return 1\n";
