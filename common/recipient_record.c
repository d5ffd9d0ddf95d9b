#include "common/recipient_record.h"

#include "common/number.h"
#include "common/siphash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX_S  INT64_C(100000000000)
#define NUMBER_SIZE 24

static const char *const status_names[RECIPIENT_STATUS_COUNT] = {
    [RECIPIENT_UNKNOWN] = "unknown",
    [RECIPIENT_DELIVERABLE] = "deliverable",
    [RECIPIENT_UNDELIVERABLE] = "undeliverable",
    [RECIPIENT_DEFERRED] = "deferred",
    [RECIPIENT_FORGOTTEN] = "forgotten",
};

const char *recipient_status_name(enum recipient_status status)
{
    return status_names[status];
}

/* -- the rules; the script below says them again --------------------------------------------
 */

static int64_t refresh_s(const struct recipient_record *record,
                         const struct recipient_lifetimes *lifetimes)
{
    return record->status == RECIPIENT_DELIVERABLE ? lifetimes->positive_refresh_s
                                                   : lifetimes->negative_refresh_s;
}

/* That a probe failed for the moment is no longer news when it is due. */
static int64_t expire_s(const struct recipient_record *record,
                        const struct recipient_lifetimes *lifetimes)
{
    if (record->status == RECIPIENT_DEFERRED)
        return lifetimes->negative_refresh_s;
    return record->status == RECIPIENT_DELIVERABLE ? lifetimes->positive_expire_s
                                                   : lifetimes->negative_expire_s;
}

enum recipient_status recipient_record_status(const struct recipient_record *record,
                                              const struct recipient_lifetimes *lifetimes,
                                              int64_t now_s)
{
    return now_s - record->updated_s >= expire_s(record, lifetimes) ? RECIPIENT_UNKNOWN
                                                                    : record->status;
}

bool recipient_record_is_due(const struct recipient_record *record,
                             const struct recipient_lifetimes *lifetimes, int64_t now_s)
{
    return now_s - record->updated_s >= refresh_s(record, lifetimes);
}

static bool is_asked(const struct recipient_record *record,
                     const struct recipient_report *report, int64_t now_s)
{
    bool is_same_session = record->asked_by == report->session ||
                           record->asked_by == RECIPIENT_ANY_SESSION ||
                           report->session == RECIPIENT_ANY_SESSION;
    return is_same_session && now_s - record->asked_s <= RECIPIENT_ASKED_S;
}

static void take_over(struct recipient_record *record, const struct recipient_report *report,
                      int64_t now_s)
{
    *record = (struct recipient_record){.status = report->status, .updated_s = now_s};
    slice_copy_string(report->text, record->text, sizeof(record->text));
}

/* The same status again. */
static bool confirm(struct recipient_record *record, const struct recipient_report *report,
                    const struct recipient_lifetimes *lifetimes, int64_t now_s)
{
    int64_t due_s = record->updated_s + refresh_s(record, lifetimes);
    if (!report->is_probe_result) {
        if (now_s < due_s)
            return false;
        if (record->probed_s < due_s) {
            record->probed_s = now_s;
            return true;
        }
        if (now_s - record->probed_s <= RECIPIENT_PROBE_S)
            return false;
    }
    take_over(record, report, now_s);
    return true;
}

bool recipient_record_apply(struct recipient_record *record,
                            const struct recipient_report *report,
                            const struct recipient_lifetimes *lifetimes, int64_t now_s)
{
    if (record->updated_s > now_s)
        record->updated_s = now_s;
    enum recipient_status before = recipient_record_status(record, lifetimes, now_s);
    if (before == RECIPIENT_FORGOTTEN)
        before = RECIPIENT_UNKNOWN;
    if (report->status == RECIPIENT_UNKNOWN)
        return false;
    if (report->status == RECIPIENT_DELIVERABLE && !report->is_probe_result &&
        !is_asked(record, report, now_s))
        return false;
    if (before == report->status && before != RECIPIENT_DEFERRED)
        return confirm(record, report, lifetimes, now_s);
    if (before == RECIPIENT_DELIVERABLE ||
        (before == RECIPIENT_UNDELIVERABLE && report->status == RECIPIENT_DEFERRED))
        return false;
    take_over(record, report, now_s);
    return true;
}

uint64_t recipient_session(const struct address *client, uint16_t port)
{
    static const uint8_t fixed_key[SIPHASH_KEY_SIZE]; /* policyd and milter say the same */
    uint8_t message[1 + sizeof(client->bytes) + 2];
    if (!client || client->family == ADDRESS_NONE || port == 0)
        return RECIPIENT_ANY_SESSION;
    message[0] = client->family;
    memcpy(message + 1, client->bytes, sizeof(client->bytes));
    message[sizeof(message) - 2] = (uint8_t)(port >> 8);
    message[sizeof(message) - 1] = (uint8_t)port;
    uint64_t session = siphash(fixed_key, message, sizeof(message));
    return session == RECIPIENT_ANY_SESSION ? 1 : session;
}

/* -- in Redis ----------------------------------------------------------------------------- */

static bool set_status(struct recipient_record *record, struct slice value)
{
    for (int status = RECIPIENT_DELIVERABLE; status < RECIPIENT_STATUS_COUNT; status++) {
        if (slice_equals(value, slice_from_string(status_names[status]))) {
            record->status = (enum recipient_status)status;
            return true;
        }
    }
    return false;
}

/* "TIME SESSION", the session in hexadecimal digits. */
static bool set_asked(struct recipient_record *record, struct slice value)
{
    char session[NUMBER_SIZE], *end;
    const char *space = value.length > 0 ? memchr(value.data, ' ', value.length) : NULL;
    int64_t asked_s;
    if (!space)
        return false;
    size_t length = (size_t)(space - value.data);
    if (!number_parse((struct slice){value.data, length}, TIME_MAX_S, &asked_s) ||
        !slice_copy_string((struct slice){space + 1, value.length - length - 1}, session,
                           sizeof(session)) ||
        strspn(session, "0123456789abcdef") != strlen(session) || session[0] == '\0')
        return false;
    record->asked_s = asked_s;
    record->asked_by = strtoull(session, &end, 16);
    return true;
}

static void set_text(struct recipient_record *record, struct slice value)
{
    slice_copy_string(value, record->text, sizeof(record->text));
    for (char *c = record->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

bool recipient_record_set_field(struct recipient_record *record, struct slice name,
                                struct slice value)
{
    if (slice_equals(name, SLICE_LITERAL("status")))
        return set_status(record, value);
    if (slice_equals(name, SLICE_LITERAL("updated")))
        return number_parse(value, TIME_MAX_S, &record->updated_s);
    if (slice_equals(name, SLICE_LITERAL("probed")))
        return number_parse(value, TIME_MAX_S, &record->probed_s);
    if (slice_equals(name, SLICE_LITERAL("asked")))
        return set_asked(record, value);
    if (!slice_equals(name, SLICE_LITERAL("text")))
        return false;
    set_text(record, value);
    return true;
}

_Static_assert(RECIPIENT_PROBE_S == 1000 && RECIPIENT_ASKED_S == 300, "the script says so too");
/* ARGV: STATUS IS_PROBE_RESULT SESSION TEXT POSITIVE_REFRESH POSITIVE_EXPIRE NEGATIVE_REFRESH
 * NEGATIVE_EXPIRE. What another program made unreadable counts as absent. */
const char recipient_record_script[] =
    "local now = tonumber(redis.call('TIME')[1])\n"
    "local raw, old = redis.call('HGETALL', KEYS[1]), {}\n"
    "for i = 1, #raw, 2 do old[raw[i]] = raw[i + 1] end\n"
    "local status, is_probe, session = ARGV[1], ARGV[2] == '1', ARGV[3]\n"
    "local refresh = {deliverable = ARGV[5], undeliverable = ARGV[7], deferred = ARGV[7]}\n"
    "local expire = {deliverable = ARGV[6], undeliverable = ARGV[8], deferred = ARGV[7]}\n"
    "local updated = math.min(tonumber(old.updated) or 0, now)\n"
    "local before = old.status\n"
    "if not expire[before] or now - updated >= tonumber(expire[before]) then before = nil end\n"
    "if status == 'deliverable' and not is_probe then\n"
    "  local at, by = string.match(old.asked or '', '^(%d+) (%x+)$')\n"
    "  if not at or now - tonumber(at) > 300 then return 0 end\n"
    "  if by ~= session and by ~= '0' and session ~= '0' then return 0 end\n"
    "end\n"
    "if before == status and before ~= 'deferred' then\n"
    "  local due = updated + tonumber(refresh[before])\n"
    "  local probed = tonumber(old.probed) or 0\n"
    "  if not is_probe then\n"
    "    if now < due then return 0 end\n"
    "    if probed < due then redis.call('HSET', KEYS[1], 'probed', now) return 1 end\n"
    "    if now - probed <= 1000 then return 0 end\n"
    "  end\n"
    "elseif before == 'deliverable' or\n"
    "    (before == 'undeliverable' and status == 'deferred') then return 0 end\n"
    "redis.call('DEL', KEYS[1])\n"
    "redis.call('HSET', KEYS[1], 'status', status, 'updated', now, 'text', ARGV[4])\n"
    "redis.call('EXPIRE', KEYS[1], expire[status])\n"
    "return 1\n";

/* ARGV: SESSION. A record that lives longer keeps its expiry. */
const char recipient_asked_script[] =
    "redis.call('HSET', KEYS[1], 'asked', redis.call('TIME')[1] .. ' ' .. ARGV[1])\n"
    "if redis.call('TTL', KEYS[1]) < 300 then redis.call('EXPIRE', KEYS[1], 300) end\n"
    "return 1\n";

/* ARGV: NEGATIVE_EXPIRE. */
const char recipient_forget_script[] =
    "local status = redis.call('HGET', KEYS[1], 'status')\n"
    "redis.call('DEL', KEYS[1])\n"
    "if status ~= 'deliverable' then\n"
    "  redis.call('HSET', KEYS[1], 'status', 'forgotten', 'updated', redis.call('TIME')[1])\n"
    "  redis.call('EXPIRE', KEYS[1], ARGV[1])\n"
    "end\n"
    "return status or 'unknown'\n";

_Static_assert(sizeof(recipient_record_script) + RECIPIENT_TEXT_SIZE + REDIS_KEY_SIZE + 512 <
                   RECIPIENT_COMMAND_SIZE,
               "it fits");

static void add_number(struct redis_command *command, int64_t number)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof(text), "%" PRId64, number);
    redis_command_add(command, slice_from_string(text));
}

static void add_session(struct redis_command *command, uint64_t session)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof(text), "%" PRIx64, session);
    redis_command_add(command, slice_from_string(text));
}

static void begin(struct redis_command *command, const char *script, struct slice key,
                  size_t argument_count)
{
    redis_command_begin(command, 4 + argument_count);
    redis_command_add(command, SLICE_LITERAL("EVAL"));
    redis_command_add(command, slice_from_string(script));
    redis_command_add(command, SLICE_LITERAL("1"));
    redis_command_add(command, key);
}

void recipient_record_command(struct redis_command *command, struct slice key,
                              const struct recipient_report *report,
                              const struct recipient_lifetimes *lifetimes)
{
    struct slice text = report->text;
    if (text.length >= RECIPIENT_TEXT_SIZE)
        text.length = RECIPIENT_TEXT_SIZE - 1;
    begin(command, recipient_record_script, key, 8);
    redis_command_add(command, slice_from_string(status_names[report->status]));
    add_number(command, report->is_probe_result);
    add_session(command, report->session);
    redis_command_add(command, text);
    add_number(command, lifetimes->positive_refresh_s);
    add_number(command, lifetimes->positive_expire_s);
    add_number(command, lifetimes->negative_refresh_s);
    add_number(command, lifetimes->negative_expire_s);
}

void recipient_asked_command(struct redis_command *command, struct slice key, uint64_t session)
{
    begin(command, recipient_asked_script, key, 1);
    add_session(command, session);
}

void recipient_forget_command(struct redis_command *command, struct slice key,
                              const struct recipient_lifetimes *lifetimes)
{
    begin(command, recipient_forget_script, key, 1);
    add_number(command, lifetimes->negative_expire_s);
}
