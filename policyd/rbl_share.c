#include "policyd/rbl_share.h"

#include "common/memory.h"
#include "common/rbl_words.h"
#include "common/redis_command.h"
#include "common/redis_keys.h"
#include "host/clock.h"
#include "host/hostname.h"
#include "policyd/redis_text.h"
#include "policyd/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS     10000
#define EXPIRE_S        (7 * 86400)
#define VALUE_EXPIRE_S  (31 * 86400)
#define DESCRIPTION_MAX 512
#define COMMAND_SIZE    2048
#define EVENTS_MAX      "10000"

struct rbl_share {
    const struct rbl_plan *plan;
    struct rbl_health *health;
    const struct rbl_value *value;
    struct store *store;
    bool is_spawned;
    char *host;
    char *name; /* under which we tell */
    int64_t next_ms;
    struct rbl_value sent; /* of value */
    struct rbl_reader {
        struct rbl_share *share;
        size_t list;
        struct redis_async_request *request; /* NULL: none */
        bool is_told;                        /* by a spawned process: that it is ill */
    } readers[RBL_LISTS_MAX];
};

struct rbl_share *rbl_share_create(const struct rbl_plan *plan, struct rbl_health *health,
                                   const struct rbl_value *value, struct store *store,
                                   const char *host, bool is_spawned)
{
    struct rbl_share *share = memory_allocate(1, sizeof(*share));
    char name[HOSTNAME_SIZE + sizeof("/spawn")];
    snprintf(name, sizeof(name), "%s%s", host, is_spawned ? "/spawn" : "");
    share->plan = plan;
    share->health = health;
    share->value = value;
    share->store = store;
    share->is_spawned = is_spawned;
    share->host = memory_copy_string(host);
    share->name = memory_copy_string(name);
    for (size_t i = 0; i < RBL_LISTS_MAX; i++)
        share->readers[i] = (struct rbl_reader){share, i, NULL, false};
    return share;
}

void rbl_share_free(struct rbl_share *share)
{
    if (!share)
        return;
    for (size_t i = 0; i < RBL_LISTS_MAX; i++)
        if (share->readers[i].request)
            redis_async_cancel(share->store->redis, share->readers[i].request);
    free(share->host);
    free(share->name);
    free(share);
}

static const char *get_prefix(const struct rbl_share *share)
{
    return share->store->config->redis.prefix;
}

/* -- health ------------------------------------------------------------------------------- */

struct description {
    char text[DESCRIPTION_MAX];
    size_t length;
};

static void describe(void *context, const char *name, const char *value)
{
    struct description *description = context;
    size_t room = DESCRIPTION_MAX - description->length;
    int length = snprintf(description->text + description->length, room, "%s=%s ", name, value);
    if (length > 0 && (size_t)length < room)
        description->length += (size_t)length;
}

static void write_health(struct rbl_share *share, size_t list)
{
    struct description description = {.length = 0};
    struct redis_key key;
    char now[24];
    rbl_health_describe(&share->health[list], clock_monotonic_ms(), describe, &description);
    snprintf(now, sizeof(now), "%" PRId64, clock_wall_s());
    describe(&description, "updated", now);
    const struct redis_field field = {slice_from_string(share->name),
                                      {description.text, description.length - 1}};
    redis_key_rbl_health(&key, get_prefix(share), share->plan->lists[list].zone);
    redis_async_write_hash(share->store->redis, redis_key_slice(&key), &field, 1, EXPIRE_S);
}

static struct rbl_words listen_to(const struct rbl_share *share,
                                  const struct redis_field *fields, size_t count)
{
    struct rbl_words words = {.said = 0};
    for (size_t i = 0; i < count; i++)
        if (!slice_equals(fields[i].name, slice_from_string(share->name)))
            rbl_words_add(&words, fields[i].value,
                          slice_equals(fields[i].name, slice_from_string(share->host)),
                          clock_wall_s());
    return words;
}

static void on_health(void *context, bool is_answered, const struct redis_field *fields,
                      size_t count)
{
    struct rbl_reader *reader = context;
    struct rbl_share *share = reader->share;
    struct rbl_health *health = &share->health[reader->list];
    struct rbl_words words = listen_to(share, fields, is_answered ? count : 0);
    reader->request = NULL;
    if (share->is_spawned)
        rbl_health_hear(health, rbl_words_say_off(&words));
    else if (words.off > 0)
        rbl_health_suspect(health, clock_monotonic_ms());
    /* Of many spawned processes only those have something to say that found a list ill. */
    bool is_worth_telling =
        !share->is_spawned || health->state != RBL_HEALTH_ON || reader->is_told;
    if (is_answered && is_worth_telling)
        write_health(share, reader->list);
    reader->is_told = share->is_spawned && health->state != RBL_HEALTH_ON;
}

/* -- value -------------------------------------------------------------------------------- */

static void add_number(void *context, const char *zone, const char *name, uint64_t number)
{
    struct rbl_share *share = context;
    char buffer[COMMAND_SIZE], text[24];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    snprintf(text, sizeof(text), "%" PRIu64, number);
    redis_key_rbl_value(&key, get_prefix(share), zone);
    redis_command_begin(&command, 4);
    redis_command_add(&command, SLICE_LITERAL("HINCRBY"));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, slice_from_string(name));
    redis_command_add(&command, slice_from_string(text));
    redis_write_command(share->store->redis, &command);
}

static void expire_value(struct rbl_share *share, size_t list)
{
    char buffer[COMMAND_SIZE], text[24];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    snprintf(text, sizeof(text), "%d", VALUE_EXPIRE_S);
    redis_key_rbl_value(&key, get_prefix(share), share->plan->lists[list].zone);
    redis_command_begin(&command, 3);
    redis_command_add(&command, SLICE_LITERAL("EXPIRE"));
    redis_command_add(&command, redis_key_slice(&key));
    redis_command_add(&command, slice_from_string(text));
    redis_write_command(share->store->redis, &command);
}

/* -- both --------------------------------------------------------------------------------- */

void rbl_share_tick(struct rbl_share *share, int64_t now_ms)
{
    struct redis_key key;
    if (now_ms < share->next_ms)
        return;
    share->next_ms = now_ms + INTERVAL_MS;
    for (size_t i = 0; i < share->plan->list_count; i++) {
        struct rbl_reader *reader = &share->readers[i];
        redis_key_rbl_health(&key, get_prefix(share), share->plan->lists[i].zone);
        if (!reader->request)
            reader->request = redis_async_read_hash(share->store->redis, redis_key_slice(&key),
                                                    on_health, reader);
        if (!reader->request) /* what was said may not be so any more */
            rbl_health_hear(&share->health[i], false);
    }
    if (!redis_server_may_try(share->store->server, REDIS_USE_WRITE))
        return; /* the numbers wait */
    rbl_value_each(share->value, &share->sent, share->plan, add_number, share);
    share->sent = *share->value;
    for (size_t i = 0; i < share->plan->list_count; i++)
        expire_value(share, i);
}

void rbl_share_event(struct rbl_share *share, size_t list, const char *text)
{
    const struct slice arguments[] = {
        SLICE_LITERAL("XADD"),     {NULL, 0}, /* the key */
        SLICE_LITERAL("MAXLEN"),   SLICE_LITERAL("~"),
        SLICE_LITERAL(EVENTS_MAX), SLICE_LITERAL("*"),
        SLICE_LITERAL("type"),     SLICE_LITERAL("rbl"),
        SLICE_LITERAL("host"),     slice_from_string(share->host),
        SLICE_LITERAL("zone"),     slice_from_string(share->plan->lists[list].zone),
        SLICE_LITERAL("text"),     slice_from_string(text),
    };
    const size_t count = sizeof(arguments) / sizeof(arguments[0]);
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_events(&key, get_prefix(share));
    redis_command_begin(&command, count);
    for (size_t i = 0; i < count; i++)
        redis_command_add(&command, i == 1 ? redis_key_slice(&key) : arguments[i]);
    redis_write_command(share->store->redis, &command);
    share->next_ms = 0;
}
