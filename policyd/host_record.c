#include "policyd/host_record.h"

#include "common/memory.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/hostname.h"
#include "host/log.h"
#include "policyd/level_watch.h"
#include "policyd/store.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS    1000
#define VALUE_SIZE     24
#define SLOT_LIMIT_MAX 1000000

struct host_record {
    struct store *store;
    struct level_watch *level_watch;
    struct redis_key key;
    struct event *timer;
    struct redis_async_request *question; /* of the timer */
    struct host_state state;
    int64_t read_at_ms; /* 0: never */
    int64_t asked_at_ms;
    host_record_callback *callback; /* of host_record_ask(); one at a time */
    void *context;
};

static const struct slice publisher_milter = SLICE_LITERAL("milter");
static const struct slice publisher_policyd = SLICE_LITERAL("policyd");

struct host_record *host_record_create(struct store *store, struct level_watch *level_watch,
                                       const struct config *config)
{
    struct host_record *record = memory_allocate(1, sizeof(*record));
    record->store = store;
    record->level_watch = level_watch;
    host_record_reload(record, config);
    return record;
}

void host_record_free(struct host_record *record)
{
    if (record->question)
        redis_async_cancel(record->store->redis, record->question);
    if (record->timer)
        event_free(record->timer);
    free(record);
}

void host_record_reload(struct host_record *record, const struct config *config)
{
    char host[HOSTNAME_SIZE];
    hostname_get(config->host, host);
    redis_key_host(&record->key, config->redis.prefix, host);
}

static int parse_number(struct slice text, int maximum)
{
    long value = 0;
    if (text.length == 0 || text.length > 9)
        return 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        value = value * 10 + (text.data[i] - '0');
    }
    return value <= maximum ? (int)value : 0;
}

static enum level parse_level(struct slice text)
{
    for (enum level level = LEVEL_CALM; level < LEVEL_COUNT; level++)
        if (slice_equals(text, slice_from_string(level_name(level))))
            return level;
    return LEVEL_CALM;
}

static struct host_state parse_fields(const struct redis_field *fields, size_t count)
{
    struct host_state state = {.is_known = count > 0};
    for (size_t i = 0; i < count; i++) {
        if (slice_equals(fields[i].name, SLICE_LITERAL("publisher")))
            state.is_of_milter = slice_equals(fields[i].value, publisher_milter);
        else if (slice_equals(fields[i].name, SLICE_LITERAL("level")))
            state.level = parse_level(fields[i].value);
        else if (slice_equals(fields[i].name, SLICE_LITERAL("slot_limit")))
            state.slot_limit = parse_number(fields[i].value, SLOT_LIMIT_MAX);
    }
    return state;
}

static void take(struct host_record *record, bool is_answered, const struct redis_field *fields,
                 size_t count)
{
    if (!is_answered)
        return;
    bool was_of_milter = record->state.is_of_milter;
    record->state = parse_fields(fields, count);
    record->read_at_ms = clock_monotonic_ms();
    if (record->state.is_of_milter != was_of_milter && record->timer)
        log_info("policyd: %s", record->state.is_of_milter
                                    ? "a milter on this host decides about admission"
                                    : "no milter on this host: admission is decided here");
}

struct host_state host_record_state(const struct host_record *record, int64_t now_ms)
{
    if (record->read_at_ms == 0 || now_ms - record->read_at_ms > HOST_RECORD_LEASE_S * 1000)
        return (struct host_state){.is_known = false};
    return record->state;
}

struct field_texts {
    char pressure[VALUE_SIZE], busy[VALUE_SIZE], waiting[VALUE_SIZE], slot_limit[VALUE_SIZE];
    char updated[VALUE_SIZE];
};

static void format_fields(const struct pressure *pressure, struct field_texts *texts)
{
    snprintf(texts->pressure, VALUE_SIZE, "%.2f", pressure->value);
    snprintf(texts->busy, VALUE_SIZE, "%d", pressure->busy);
    snprintf(texts->waiting, VALUE_SIZE, "%d", pressure->waiting);
    snprintf(texts->slot_limit, VALUE_SIZE, "%d", pressure->slot_limit);
    snprintf(texts->updated, VALUE_SIZE, "%" PRId64, clock_wall_s());
}

/* policyd knows of sessions only what the kernel says: the busy slots. */
static void publish(struct host_record *record)
{
    struct level_reading reading;
    struct field_texts texts;
    level_watch_read(record->level_watch, false, clock_monotonic_ms(), &reading);
    format_fields(&reading.pressure, &texts);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("publisher"),      publisher_policyd                           },
        {SLICE_LITERAL("level"),          slice_from_string(level_name(reading.level))},
        {SLICE_LITERAL("pressure"),       slice_from_string(texts.pressure)           },
        {SLICE_LITERAL("busy"),           slice_from_string(texts.busy)               },
        {SLICE_LITERAL("waiting"),        slice_from_string(texts.waiting)            },
        {SLICE_LITERAL("slot_limit"),     slice_from_string(texts.slot_limit)         },
        {SLICE_LITERAL("postfix_stress"),
         slice_from_string(reading.pressure.is_postfix_stressed ? "yes" : "no")       },
        {SLICE_LITERAL("sessions"),       slice_from_string(texts.busy)               },
        {SLICE_LITERAL("updated"),        slice_from_string(texts.updated)            },
    };
    redis_async_write_hash(record->store->redis, redis_key_slice(&record->key), fields,
                           sizeof(fields) / sizeof(fields[0]), HOST_RECORD_LEASE_S);
}

static void on_timer_answer(void *context, bool is_answered, const struct redis_field *fields,
                            size_t count)
{
    struct host_record *record = context;
    record->question = NULL;
    take(record, is_answered, fields, count);
    if (is_answered && !record->state.is_of_milter)
        publish(record);
}

static void on_timer(int fd, short events, void *context)
{
    struct host_record *record = context;
    (void)fd;
    (void)events;
    if (!record->question)
        record->question = redis_async_read_hash(
            record->store->redis, redis_key_slice(&record->key), on_timer_answer, record);
}

bool host_record_start(struct host_record *record, struct event_base *base)
{
    const struct timeval interval = {.tv_sec = INTERVAL_MS / 1000};
    record->timer = event_new(base, -1, EV_PERSIST, on_timer, record);
    if (!record->timer || event_add(record->timer, &interval) != 0)
        return false;
    on_timer(-1, 0, record);
    return true;
}

static void on_answer(void *context, bool is_answered, const struct redis_field *fields,
                      size_t count)
{
    struct host_record *record = context;
    host_record_callback *callback = record->callback;
    record->callback = NULL;
    take(record, is_answered, fields, count);
    if (callback)
        callback(record->context);
}

struct redis_async_request *host_record_ask(struct host_record *record, int64_t now_ms,
                                            host_record_callback *callback, void *context)
{
    bool is_young = record->asked_at_ms != 0 && now_ms - record->asked_at_ms < INTERVAL_MS;
    if (is_young || record->callback)
        return NULL;
    record->asked_at_ms = now_ms;
    struct redis_async_request *request = redis_async_read_hash(
        record->store->redis, redis_key_slice(&record->key), on_answer, record);
    if (request) {
        record->callback = callback;
        record->context = context;
    }
    return request;
}

void host_record_cancel(struct host_record *record, struct redis_async_request *request)
{
    record->callback = NULL;
    redis_async_cancel(record->store->redis, request);
}
