#include "policyd/gather.h"

#include "common/config.h"
#include "common/memory.h"
#include "common/verdict_log.h"
#include "host/clock.h"
#include "host/log.h"
#include "policyd/counters.h"
#include "policyd/host_record.h"
#include "policyd/level_watch.h"
#include "policyd/store.h"

#include <stdlib.h>

struct gather {
    struct gather_sources sources;
    const struct config *config;
    struct decide_settings settings; /* parts of config */
};

/* A request as far as the verdict needs it. */
struct inquiry {
    struct facts facts;
    struct address client;
    struct session_identity session;
    struct session_memory *memory;
    bool is_stressed; /* stress=yes */
};

struct gather_pending {
    struct gather *gather;
    struct inquiry inquiry;
    struct client_key key;
    struct redis_async_request *client_question; /* NULL: none, or answered */
    struct redis_async_request *host_question;
    gather_callback *callback;
    void *context;
};

struct gather *gather_create(const struct gather_sources *sources, const struct config *config)
{
    struct gather *gather = memory_allocate(1, sizeof(*gather));
    gather->sources = *sources;
    gather_reload(gather, config);
    return gather;
}

void gather_free(struct gather *gather)
{
    free(gather);
}

void gather_reload(struct gather *gather, const struct config *config)
{
    gather->config = config;
    gather->settings = (struct decide_settings){
        .admission = &config->admission,
        .level = &config->level,
        .client_class = &config->client_class,
        .reply = &config->reply,
    };
}

/* Submission and whatever else shares the policy service is not ours to judge. */
static bool is_of_protected_service(const struct gather *gather,
                                    const struct policy_request *request)
{
    uint16_t port;
    return !policy_request_port(request, POLICY_ATTRIBUTE_SERVER_PORT, &port) ||
           port == gather->config->service.port;
}

static void inquiry_init(struct inquiry *inquiry, const struct gather *gather,
                         const struct policy_request *request, struct session_memory *memory)
{
    const struct config *config = gather->config;
    struct client_facts *client = &inquiry->facts.client;

    inquiry->facts.front = FRONT_POLICY;
    inquiry->facts.stage = policy_request_stage(request);
    client->has_address = policy_request_client(request, &inquiry->client);
    client->is_authenticated = policy_request_is_authenticated(request);
    client->is_in_trusted_networks =
        client->has_address &&
        network_list_contains(&config->trusted_networks, &inquiry->client);
    client->is_allowed =
        client->has_address && network_list_contains(&config->allow, &inquiry->client);
    client->history = HISTORY_NONE;
    client->now_s = clock_wall_s();
    inquiry->session = session_identity_get(request, &inquiry->client);
    inquiry->memory = memory;
    inquiry->is_stressed = policy_request_is_stressed(request);
}

/* Without an address there is no history; these classes and stages need none. */
static bool needs_history(const struct gather *gather, const struct inquiry *inquiry)
{
    const struct client_facts *client = &inquiry->facts.client;
    return client->has_address && !client->is_authenticated &&
           !client->is_in_trusted_networks && !client->is_allowed &&
           inquiry->facts.stage != STAGE_OTHER && gather->config->admission.mode != MODE_OFF;
}

/* A session is new at CONNECT, even if its client used the same port before. Where a milter
 * decided at CONNECT, later stages come from sessions that it admitted. */
static bool is_admitted(const struct inquiry *inquiry, const struct host_word *host)
{
    if (inquiry->facts.stage == STAGE_CONNECT)
        return false;
    return host->has_milter || session_memory_holds(inquiry->memory, &inquiry->session);
}

/* In observe mode a session that would be hung up on goes on: it is told of once. */
static void tell(const struct gather *gather, const struct inquiry *inquiry,
                 const struct verdict *verdict)
{
    char line[VERDICT_LOG_SIZE];
    if (verdict->is_observed && inquiry->facts.stage != STAGE_CONNECT &&
        session_memory_holds(inquiry->memory, &inquiry->session))
        return;
    if (verdict->action == VERDICT_HANG_UP)
        gather->sources.counters->hang_ups++;
    else
        gather->sources.counters->observed_hang_ups++;
    verdict_log_format(verdict, &inquiry->facts, &inquiry->client, line, sizeof(line));
    log_info("%s", line);
}

static struct verdict finish(const struct gather *gather, struct inquiry *inquiry,
                             int64_t now_ms)
{
    const struct gather_sources *sources = &gather->sources;
    struct host_word host = host_record_word(sources->host_record, now_ms);
    struct level_reading reading;

    level_watch_read(sources->level_watch, inquiry->is_stressed, now_ms, &reading);
    inquiry->facts.pressure = reading.pressure;
    inquiry->facts.level = reading.level;
    inquiry->facts.is_level_forced = reading.is_level_forced;
    inquiry->facts.is_switched_off = reading.is_off;
    inquiry->facts.is_session_admitted = is_admitted(inquiry, &host);

    struct verdict verdict = decide(&inquiry->facts, &gather->settings);
    if (verdict.code != 0)
        tell(gather, inquiry, &verdict);
    if (verdict.action == VERDICT_HANG_UP)
        session_memory_clear(inquiry->memory);
    else if (inquiry->facts.stage != STAGE_OTHER)
        session_memory_set(inquiry->memory, &inquiry->session);
    if (verdict.action == VERDICT_CONTINUE && inquiry->facts.stage == STAGE_CONNECT)
        level_watch_note_admitted(sources->level_watch);
    return verdict;
}

static void finish_if_answered(struct gather_pending *pending)
{
    if (pending->client_question || pending->host_question)
        return;
    struct verdict verdict = finish(pending->gather, &pending->inquiry, clock_monotonic_ms());
    gather_callback *callback = pending->callback;
    void *context = pending->context;
    free(pending);
    callback(context, &verdict);
}

static void on_client_answer(void *context, enum history_state state,
                             const struct client_record *record)
{
    struct gather_pending *pending = context;
    struct client_facts *client = &pending->inquiry.facts.client;
    struct store *store = pending->gather->sources.store;
    int64_t now_ms = clock_monotonic_ms();

    pending->client_question = NULL;
    if (state != HISTORY_MISSING)
        store_remember(store, &pending->key, state, record, now_ms);
    /* From memory in any case: it may know what Redis was not told yet. */
    client_cache_get(store->cache, &pending->key, now_ms, &client->history, &client->record);
    finish_if_answered(pending);
}

static void on_host_answer(void *context)
{
    struct gather_pending *pending = context;
    pending->host_question = NULL;
    finish_if_answered(pending);
}

/* Asks Redis for what memory does not have. NULL: nothing can be asked, or has to be. */
static struct gather_pending *ask(struct gather *gather, const struct inquiry *inquiry,
                                  const struct client_key *key, bool is_client_asked,
                                  int64_t now_ms)
{
    const struct gather_sources *sources = &gather->sources;
    struct gather_pending *pending = memory_allocate(1, sizeof(*pending));

    pending->gather = gather;
    pending->inquiry = *inquiry;
    pending->key = *key;
    if (is_client_asked)
        pending->client_question =
            redis_async_read_client(sources->store->redis, key, on_client_answer, pending);
    if (sources->is_host_record_asked)
        pending->host_question =
            host_record_ask(sources->host_record, now_ms, on_host_answer, pending);
    if (pending->client_question || pending->host_question)
        return pending;
    free(pending);
    return NULL;
}

enum gather_result gather_verdict(struct gather *gather, const struct policy_request *request,
                                  struct session_memory *memory, int64_t now_ms,
                                  gather_callback *callback, void *context,
                                  struct verdict *verdict_r, struct gather_pending **pending_r)
{
    struct inquiry inquiry = {.is_stressed = false};
    struct client_key key = {.family = ADDRESS_NONE};
    bool is_client_asked = false;

    if (!is_of_protected_service(gather, request)) {
        *verdict_r = (struct verdict){.action = VERDICT_CONTINUE, .rule = RULE_OFF};
        return GATHER_READY;
    }
    inquiry_init(&inquiry, gather, request, memory);
    if (needs_history(gather, &inquiry)) {
        struct client_facts *client = &inquiry.facts.client;
        key = client_key_from_address(&inquiry.client);
        is_client_asked = client_cache_get(gather->sources.store->cache, &key, now_ms,
                                           &client->history, &client->record) != L1_FRESH;
    }
    if (is_client_asked || gather->sources.is_host_record_asked) {
        struct gather_pending *pending = ask(gather, &inquiry, &key, is_client_asked, now_ms);
        if (pending) {
            pending->callback = callback;
            pending->context = context;
            *pending_r = pending;
            return GATHER_PENDING;
        }
    }
    *verdict_r = finish(gather, &inquiry, now_ms);
    return GATHER_READY;
}

void gather_cancel(struct gather_pending *pending)
{
    const struct gather_sources *sources = &pending->gather->sources;
    if (pending->client_question)
        redis_async_cancel(sources->store->redis, pending->client_question);
    if (pending->host_question)
        host_record_cancel(sources->host_record, pending->host_question);
    free(pending);
}
