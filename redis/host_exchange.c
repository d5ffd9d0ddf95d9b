#include "redis/host_exchange.h"

#include "common/escape.h"
#include "common/level_event.h"
#include "common/memory.h"
#include "common/number.h"
#include "common/pressure_history.h"
#include "host/hostname.h"
#include "host/log.h"
#include "host/process_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define HOSTS_INTERVAL_MS 1000
#define OTHERS_MS         20 /* for each of the other hosts, between two times they are read */
#define EVENTS_SIZE       8192 /* told with the next offer, in wire form */
#define QUESTION_SIZE     (REDIS_KEY_SIZE + 64)
#define COMMANDS_OWN      4 /* TIME, our record, two overrides */
#define ASK_SIZE          ((COMMANDS_OWN + HOSTS_MAX) * QUESTION_SIZE)
#define HOSTS_SIZE        4096
#define OFFER_SIZE                                                                             \
    (HOST_LEASE_COMMAND_SIZE + HOSTS_SIZE + EVENTS_SIZE + PRESSURE_HISTORY_COMMAND_SIZE)
#define ESCAPED_SIZE (4 * OVERRIDE_TEXT_SIZE)

/* What the replies to one ask() say, until the last one has come. */
struct answer {
    bool is_complete;
    int64_t redis_ms;
    struct host_state state;
    struct override own, all;
    struct cluster_summary cluster;
};

struct host_exchange {
    enum publisher publisher;
    char prefix[REDIS_PREFIX_MAX + 1];
    char host[HOSTNAME_SIZE];
    char id[HOST_STATE_ID_SIZE];
    struct redis_key host_key, override_key, all_key, hosts_key;

    char *buffer;
    struct redis_command command;
    char *events;
    struct redis_command event_commands;
    size_t event_count;

    bool is_publisher, is_hosts_asked;
    int64_t hosts_at_ms;                /* when to ask for them again */
    struct redis_key others[HOSTS_MAX]; /* records of the other hosts */
    size_t other_count, asked_count;
    bool is_others_asked;
    int64_t others_at_ms; /* when to read them again */
    struct service_state offered[HOST_STATE_SERVICES_MAX];
    size_t offered_count;
    struct cluster_summary offered_cluster;
    struct pressure_history history;

    struct answer coming, answer;
    int64_t answer_at_ms; /* 0: never */
    struct override_effect effect;
};

struct host_exchange *host_exchange_create(enum publisher publisher, const char *prefix,
                                           const char *host)
{
    struct host_exchange *exchange = memory_allocate(1, sizeof(*exchange));
    bool is_asking_only = publisher == PUBLISHER_NONE;
    size_t size = is_asking_only ? COMMANDS_OWN * QUESTION_SIZE : OFFER_SIZE;
    exchange->publisher = publisher;
    snprintf(exchange->prefix, sizeof(exchange->prefix), "%s", prefix);
    snprintf(exchange->host, sizeof(exchange->host), "%s", host);
    process_id_make(publisher_name(publisher), exchange->host, exchange->id);
    redis_key_host(&exchange->host_key, prefix, host);
    redis_key_override(&exchange->override_key, prefix, host);
    redis_key_override(&exchange->all_key, prefix, NULL);
    redis_key_hosts(&exchange->hosts_key, prefix);
    exchange->buffer = memory_allocate(size, 1);
    exchange->command = (struct redis_command){exchange->buffer, 0, size, false};
    if (!is_asking_only) {
        exchange->events = memory_allocate(EVENTS_SIZE, 1);
        exchange->event_commands =
            (struct redis_command){exchange->events, 0, EVENTS_SIZE, false};
    }
    return exchange;
}

void host_exchange_free(struct host_exchange *exchange)
{
    if (!exchange)
        return;
    free(exchange->buffer);
    free(exchange->events);
    free(exchange);
}

bool host_exchange_is_of(const struct host_exchange *exchange, const char *prefix,
                         const char *host)
{
    return strcmp(exchange->prefix, prefix) == 0 && strcmp(exchange->host, host) == 0;
}

/* -- events ------------------------------------------------------------------------------- */

/* Those of the host are told by its publisher alone, those of a process by itself. */

/* One that does not fit any more is not told: Redis was away for long. */
static void note_events(struct host_exchange *exchange, size_t length_before, size_t count)
{
    struct redis_command *command = &exchange->event_commands;
    if (command->is_overflown) {
        command->length = length_before;
        command->is_overflown = false;
        return;
    }
    exchange->event_count += count;
}

static void note_level(struct host_exchange *exchange, const struct service_state *service,
                       enum level before)
{
    struct level_change change = {
        .from = before,
        .to = service->level,
        .source = service->level_source,
        .pressure = service->pressure > 0 ? service->pressure : 0,
        .driver = service->driver,
    };
    size_t length = exchange->event_commands.length;
    snprintf(change.service, sizeof(change.service), "%s", service->name);
    level_event_command(&exchange->event_commands, exchange->prefix, exchange->host, &change);
    note_events(exchange, length, 2);
}

static void note_levels(struct host_exchange *exchange, const struct host_state *state)
{
    for (size_t i = 0; i < state->service_count; i++) {
        const struct service_state *service = &state->services[i];
        enum level before = LEVEL_CALM;
        for (size_t j = 0; j < exchange->offered_count; j++)
            if (strcmp(exchange->offered[j].name, service->name) == 0)
                before = exchange->offered[j].level;
        if (before != service->level && exchange->is_publisher)
            note_level(exchange, service, before);
    }
    memcpy(exchange->offered, state->services, sizeof(exchange->offered));
    exchange->offered_count = state->service_count;
}

static void note_publisher(struct host_exchange *exchange, struct slice before)
{
    const struct redis_field fields[] = {
        {SLICE_LITERAL("host"), slice_from_string(exchange->host)},
        {SLICE_LITERAL("from"), before},
        {SLICE_LITERAL("to"), slice_from_string(exchange->id)},
    };
    size_t length = exchange->event_commands.length;
    event_command(&exchange->event_commands, exchange->prefix, "publisher", fields,
                  sizeof(fields) / sizeof(fields[0]));
    note_events(exchange, length, 1);
}

static void note_override(struct host_exchange *exchange, const char *action, const char *level,
                          int64_t until_s, const struct override *by)
{
    if (!exchange->is_publisher)
        return;
    char until[24];
    snprintf(until, sizeof(until), "%" PRId64, until_s);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("host"), slice_from_string(exchange->host)},
        {SLICE_LITERAL("action"), slice_from_string(action)},
        {SLICE_LITERAL("level"), slice_from_string(level)},
        {SLICE_LITERAL("until"), slice_from_string(until)},
        {SLICE_LITERAL("by"), slice_from_string(by->by)},
        {SLICE_LITERAL("note"), slice_from_string(by->note)},
    };
    size_t length = exchange->event_commands.length;
    event_command(&exchange->event_commands, exchange->prefix, "override", fields,
                  sizeof(fields) / sizeof(fields[0]));
    note_events(exchange, length, 1);
}

void host_exchange_note_event(struct host_exchange *exchange, const char *type,
                              const struct redis_field *fields, size_t count)
{
    struct redis_field all[HOST_EVENT_FIELDS_MAX + 1] = {
        {SLICE_LITERAL("host"), slice_from_string(exchange->host)}};
    size_t length = exchange->event_commands.length;
    for (size_t i = 0; i < count && i < HOST_EVENT_FIELDS_MAX; i++)
        all[i + 1] = fields[i];
    event_command(&exchange->event_commands, exchange->prefix, type, all, count + 1);
    note_events(exchange, length, 1);
}

/* -- our own state ------------------------------------------------------------------------ */

static void append_events(struct host_exchange *exchange)
{
    struct redis_command *command = &exchange->command, *events = &exchange->event_commands;
    memcpy(command->data + command->length, events->data, events->length);
    command->length += events->length;
}

static void forget_events(struct host_exchange *exchange)
{
    exchange->event_commands.length = 0;
    exchange->event_count = 0;
}

struct host_commands host_exchange_offer(struct host_exchange *exchange,
                                         const struct host_state *state, bool is_last,
                                         int64_t now_ms)
{
    struct host_state told = *state;
    struct cluster_summary cluster = host_exchange_cluster(exchange, now_ms);
    struct host_lease_offer offer = {
        .publisher = exchange->publisher,
        .id = slice_from_string(exchange->id),
        .is_last = is_last,
        .state = &told,
    };
    exchange->offered_cluster = cluster;
    told.cluster_hosts = cluster.hosts;
    told.cluster_stressed = cluster.stressed;
    told.cluster_highest = cluster.highest;

    exchange->command.length = 0;
    exchange->command.is_overflown = false;
    host_lease_command(&exchange->command, redis_key_slice(&exchange->host_key), &offer);
    struct host_commands commands = {&exchange->command, 1};
    exchange->is_hosts_asked = !is_last && now_ms >= exchange->hosts_at_ms;
    if (exchange->is_hosts_asked) {
        exchange->hosts_at_ms = now_ms + HOSTS_INTERVAL_MS;
        hosts_command(&exchange->command, redis_key_slice(&exchange->hosts_key),
                      slice_from_string(exchange->host));
        commands.count++;
    }
    note_levels(exchange, state);
    append_events(exchange);
    commands.count += exchange->event_count;
    forget_events(exchange);
    if (exchange->is_publisher &&
        pressure_history_note(&exchange->history, &state->services[0], now_ms))
        commands.count += pressure_history_command(&exchange->history, &exchange->command,
                                                   exchange->prefix, exchange->host);
    return commands;
}

static bool is_list_of(const struct redis_reply *reply, uint32_t count)
{
    return reply && reply->type == REDIS_REPLY_IS_LIST && reply->count == count;
}

static void take_lease(struct host_exchange *exchange, const struct redis_reply *reply)
{
    if (!is_list_of(reply, 4))
        return;
    bool was_publisher = exchange->is_publisher;
    struct slice before = redis_reply_item(reply, 2)->text;
    exchange->is_publisher = redis_reply_item(reply, 1)->integer == 1;
    if (was_publisher == exchange->is_publisher)
        return;
    if (exchange->is_publisher) {
        char escaped[HOST_STATE_ID_SIZE];
        escape_text(before, escaped, sizeof(escaped));
        log_info("publishes the state of host %s, before: %s", exchange->host, escaped);
        note_publisher(exchange, before);
    } else {
        log_info("leaves the state of host %s to another to publish", exchange->host);
    }
}

static void take_hosts(struct host_exchange *exchange, const struct redis_reply *reply)
{
    if (!is_list_of(reply, 2))
        return;
    const struct redis_reply *names = redis_reply_item(reply, 1);
    if (names->type != REDIS_REPLY_IS_LIST)
        return;
    exchange->other_count = 0;
    const struct redis_reply *name = redis_reply_first(names);
    for (uint32_t i = 0; i < names->count && exchange->other_count < HOSTS_MAX; i++) {
        char host[HOSTNAME_SIZE];
        struct redis_key *key = &exchange->others[exchange->other_count];
        slice_copy_string(name->text, host, sizeof(host));
        redis_key_host(key, exchange->prefix, host);
        if (!slice_equals(redis_key_slice(key), redis_key_slice(&exchange->host_key)))
            exchange->other_count++;
        name = redis_reply_next(name);
    }
}

void host_exchange_take_offer_reply(struct host_exchange *exchange, size_t index,
                                    const struct redis_reply *reply)
{
    if (index == 0)
        take_lease(exchange, reply);
    else if (index == 1 && exchange->is_hosts_asked)
        take_hosts(exchange, reply);
}

/* -- what others say ---------------------------------------------------------------------- */

struct host_commands host_exchange_ask(struct host_exchange *exchange, int64_t now_ms)
{
    struct redis_command *command = &exchange->command;
    command->length = 0;
    command->is_overflown = false;
    redis_command_begin(command, 1);
    redis_command_add(command, SLICE_LITERAL("TIME"));
    redis_command_read_hash(command, redis_key_slice(&exchange->host_key));
    redis_command_read_hash(command, redis_key_slice(&exchange->override_key));
    redis_command_read_hash(command, redis_key_slice(&exchange->all_key));
    exchange->coming = (struct answer){.is_complete = true};
    exchange->is_others_asked = now_ms >= exchange->others_at_ms;
    exchange->asked_count = exchange->is_others_asked ? exchange->other_count : 0;
    for (size_t i = 0; i < exchange->asked_count; i++)
        redis_command_read_hash(command, redis_key_slice(&exchange->others[i]));
    if (exchange->is_others_asked)
        exchange->others_at_ms = now_ms + (int64_t)exchange->other_count * OTHERS_MS;
    return (struct host_commands){command, COMMANDS_OWN + exchange->asked_count};
}

static bool take_time(struct answer *answer, const struct redis_reply *reply)
{
    int64_t seconds, microseconds;
    if (!is_list_of(reply, 2) ||
        !number_parse(redis_reply_item(reply, 0)->text, INT64_MAX / 1000000, &seconds) ||
        !number_parse(redis_reply_item(reply, 1)->text, 999999, &microseconds))
        return false;
    answer->redis_ms = seconds * 1000 + microseconds / 1000;
    return true;
}

static bool take_hash(struct answer *answer, size_t index, const struct redis_reply *reply)
{
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    struct host_state other;
    if (!reply || reply->type != REDIS_REPLY_IS_LIST)
        return false;
    size_t count = redis_reply_read_fields(reply, fields, HOST_STATE_FIELDS_MAX);
    switch (index) {
    case 1:
        host_state_parse(fields, count, &answer->state);
        break;
    case 2:
        override_parse(fields, count, &answer->own);
        break;
    case 3:
        override_parse(fields, count, &answer->all);
        break;
    default:
        host_state_parse(fields, count, &other);
        cluster_add(&answer->cluster, &other, answer->redis_ms);
    }
    return true;
}

bool host_exchange_is_last(const struct host_exchange *exchange, size_t index)
{
    return index + 1 == COMMANDS_OWN + exchange->asked_count;
}

bool host_exchange_take_answer(struct host_exchange *exchange, size_t index,
                               const struct redis_reply *reply, int64_t now_ms)
{
    struct answer *coming = &exchange->coming;
    bool is_taken = index == 0 ? take_time(coming, reply) : take_hash(coming, index, reply);
    /* A record of another host that is no hash is that host's trouble. */
    if (!is_taken && (index < COMMANDS_OWN || !reply))
        coming->is_complete = false;
    if (!host_exchange_is_last(exchange, index) || !coming->is_complete)
        return false;
    if (!exchange->is_others_asked)
        coming->cluster = exchange->answer.cluster;
    exchange->answer = *coming;
    exchange->answer_at_ms = now_ms;
    return true;
}

/* -- what is known ------------------------------------------------------------------------ */

bool host_exchange_is_publisher(const struct host_exchange *exchange)
{
    return exchange->is_publisher;
}

static bool has_answer(const struct host_exchange *exchange, int64_t now_ms)
{
    return exchange->answer_at_ms != 0 && now_ms - exchange->answer_at_ms < HOST_STATE_LEASE_MS;
}

bool host_exchange_has_milter(const struct host_exchange *exchange)
{
    return exchange->answer_at_ms != 0 &&
           host_state_has(&exchange->answer.state, PUBLISHER_MILTER, exchange->answer.redis_ms);
}

const struct host_state *host_exchange_measured(const struct host_exchange *exchange,
                                                int64_t now_ms)
{
    const struct host_state *state = &exchange->answer.state;
    int64_t redis_ms = exchange->answer.redis_ms + (now_ms - exchange->answer_at_ms);
    bool knows_better =
        exchange->publisher == PUBLISHER_NONE ||
        (exchange->publisher == PUBLISHER_POLICYD && state->publisher == PUBLISHER_MILTER);
    bool is_measured = exchange->answer_at_ms != 0 && knows_better &&
                       host_state_is_fresh(state, redis_ms) &&
                       redis_ms - state->renewed_ms < HOST_LEASE_SILENT_MS;
    return is_measured ? state : NULL;
}

struct cluster_summary host_exchange_cluster(const struct host_exchange *exchange,
                                             int64_t now_ms)
{
    return has_answer(exchange, now_ms) ? exchange->answer.cluster
                                        : (struct cluster_summary){.hosts = 0};
}

bool host_exchange_wants_offer(const struct host_exchange *exchange, int64_t now_ms)
{
    struct cluster_summary now = host_exchange_cluster(exchange, now_ms);
    const struct cluster_summary *offered = &exchange->offered_cluster;
    return now.hosts != offered->hosts || now.stressed != offered->stressed ||
           now.highest != offered->highest;
}

static void log_effect(const struct host_exchange *exchange,
                       const struct override_effect *effect, int64_t redis_s)
{
    const struct answer *answer = &exchange->answer;
    bool is_for_all =
        effect->is_level_forced ? effect->is_level_for_all : effect->is_off_for_all;
    const struct override *said = is_for_all ? &answer->all : &answer->own;
    char level[64] = "auto", mode[64] = "auto", by[ESCAPED_SIZE], note[ESCAPED_SIZE];
    if (effect->is_level_forced)
        snprintf(level, sizeof(level), "%s for %" PRId64 " s", level_name(effect->level),
                 effect->level_until_s - redis_s);
    if (effect->is_off)
        snprintf(mode, sizeof(mode), "off for %" PRId64 " s", effect->off_until_s - redis_s);
    escape_text(slice_from_string(said->by), by, sizeof(by));
    escape_text(slice_from_string(said->note), note, sizeof(note));
    if (effect->is_level_forced || effect->is_off)
        log_warning("override: level %s, mode %s, of %s, by=%s note=%s", level, mode,
                    is_for_all ? "all hosts" : "this host", by, note);
    else
        log_info("override: ended, level and mode are as measured and configured");
}

static void note_effect(struct host_exchange *exchange, const struct override_effect *effect)
{
    const struct override_effect *before = &exchange->effect;
    const struct answer *answer = &exchange->answer;
    if (effect->is_level_forced != before->is_level_forced || effect->level != before->level ||
        effect->level_until_s != before->level_until_s)
        note_override(exchange, effect->is_level_forced ? "force" : "auto",
                      effect->is_level_forced ? level_name(effect->level) : "",
                      effect->level_until_s,
                      effect->is_level_for_all ? &answer->all : &answer->own);
    if (effect->is_off != before->is_off || effect->off_until_s != before->off_until_s)
        note_override(exchange, effect->is_off ? "off" : "on", "", effect->off_until_s,
                      effect->is_off_for_all ? &answer->all : &answer->own);
}

bool host_exchange_update_effect(struct host_exchange *exchange, int64_t now_ms,
                                 struct override_effect *effect_r)
{
    const struct answer *answer = &exchange->answer;
    int64_t redis_s = (answer->redis_ms + (now_ms - exchange->answer_at_ms)) / 1000;
    *effect_r = (struct override_effect){.is_off = false};
    if (exchange->answer_at_ms != 0)
        *effect_r = override_effect(&answer->own, &answer->all, redis_s);
    if (override_effect_equals(effect_r, &exchange->effect))
        return false;
    if (exchange->publisher != PUBLISHER_NONE) {
        log_effect(exchange, effect_r, redis_s);
        note_effect(exchange, effect_r);
    }
    exchange->effect = *effect_r;
    return true;
}
