#include "policyd/gather.h"

#include "common/client_keys.h"
#include "common/config.h"
#include "common/memory.h"
#include "common/reply_text.h"
#include "common/verdict_log.h"
#include "host/clock.h"
#include "host/count_verdict.h"
#include "host/decision_log.h"
#include "host/history_guard.h"
#include "host/log.h"
#include "host/own_addresses.h"
#include "host/stress_monitor.h"
#include "policyd/gather_rbl.h"
#include "policyd/gather_verify.h"
#include "policyd/host_record.h"
#include "policyd/inquiry.h"
#include "policyd/store.h"

#include <stdlib.h>

struct gather {
    struct gather_sources sources;
    const struct config *config;
    struct decide_settings settings; /* parts of config; level: of the first service */
    struct history_guard *history_guard;
    struct own_addresses *own_addresses;
    struct buffer reply;             /* text of the last verdict */
    enum level levels[SERVICES_MAX]; /* of the last verdict on each service */
};

/* What Redis is asked about one of the client's keys. */
struct client_question {
    struct gather_pending *pending;
    struct redis_async_request *request; /* NULL: none, or answered */
};

struct gather_pending {
    struct gather *gather;
    struct inquiry inquiry;
    char client_name[256];
    struct client_question client_questions[SCOPE_COUNT];
    struct redis_async_request *host_question;
    gather_callback *callback;
    void *context;
};

struct gather *gather_create(const struct gather_sources *sources, const struct config *config)
{
    struct gather *gather = memory_allocate(1, sizeof(*gather));
    gather->sources = *sources;
    gather->history_guard = history_guard_create();
    gather->own_addresses = own_addresses_create();
    gather->reply = REPLY_TEXT_BUFFER;
    gather_reload(gather, config);
    return gather;
}

void gather_free(struct gather *gather)
{
    if (!gather)
        return;
    history_guard_free(gather->history_guard);
    own_addresses_free(gather->own_addresses);
    buffer_free(&gather->reply);
    free(gather);
}

void gather_reload(struct gather *gather, const struct config *config)
{
    gather->config = config;
    gather->settings = (struct decide_settings){
        .admission = &config->admission,
        .level = &config->services.items[0].level,
        .client_class = &config->client_class,
        .reply = &config->reply,
    };
}

/* By its index. Where Postfix does not say the port (before 3.2) it is the first one;
 * STRESS_MONITOR_NO_SERVICE: what else shares the policy service is not ours to judge. */
static size_t find_service(const struct gather *gather, uint16_t port)
{
    return port == 0 ? 0 : stress_monitor_find(gather->sources.monitor, port);
}

/* In observe mode a session that would be hung up on goes on: it is told of once, by the milter
 * where there is one. */
static void tell(const struct inquiry *inquiry, const struct verdict *verdict,
                 bool is_of_milter)
{
    char line[VERDICT_LOG_SIZE];
    if (verdict->is_observed && is_of_milter && verdict->rule != RULE_RBL)
        return;
    if (verdict->is_observed && inquiry->facts.stage != STAGE_CONNECT &&
        session_memory_holds(inquiry->memory, &inquiry->session))
        return;
    /* A client that is rejected may go on to the next recipient. */
    if (verdict->action != VERDICT_HANG_UP && inquiry->facts.stage != STAGE_CONNECT &&
        session_identity_equals(&inquiry->memory->told, &inquiry->session))
        return;
    inquiry->memory->told = inquiry->session;
    verdict_log_format(verdict, &inquiry->facts, &inquiry->client, line, sizeof(line));
    log_info("%s", line);
}

static bool is_first_decision(const struct inquiry *inquiry)
{
    return !inquiry->facts.is_session_admitted && inquiry->facts.stage != STAGE_OTHER;
}

void gather_end_session(struct gather *gather, struct session_memory *memory)
{
    gather_rbl_end_session(gather->sources.rbl, memory);
}

/* A session that ends here is one that no milter tells of. */
static void record_hang_up(const struct gather *gather, const struct inquiry *inquiry,
                           const struct classification *classification)
{
    struct session_outcome outcome = {.is_hung_up = !classification->is_in_burst};
    /* Of a session that was admitted, whoever admitted it tells. */
    outcome.counts[EVIDENCE_HAMMERED] =
        classification->is_hammering && is_first_decision(inquiry) ? 1 : 0;
    store_record(gather->sources.store, &inquiry->keys,
                 &inquiry->facts.client.history[SCOPE_CLIENT], &outcome,
                 inquiry->facts.client.now_s);
}

/* For the history cap: once a session. */
static void count(const struct gather *gather, const struct inquiry *inquiry,
                  const struct verdict *verdict, int64_t now_ms)
{
    struct history_cap_news news;
    bool is_counted = is_first_decision(inquiry) || verdict->action == VERDICT_HANG_UP;
    if (is_counted && verdict->classification.class != CLASS_TRUSTED &&
        history_guard_count(gather->history_guard, &gather->config->admission.rails,
                            verdict->is_by_history_alone, now_ms) &&
        history_guard_take_news(gather->history_guard, &news))
        host_record_note_history_cap(gather->sources.host_record, &news);
}

static void end_session(struct gather *gather, const struct inquiry *inquiry,
                        struct verdict *verdict)
{
    const struct reply_subject subject = {&inquiry->client, inquiry->client_name};
    record_hang_up(gather, inquiry, &verdict->classification);
    reply_text_expand(&gather->config->reply, &subject, verdict, &gather->reply);
    gather_end_session(gather, inquiry->memory);
    session_memory_clear(inquiry->memory);
}

static void tell_all(const struct gather *gather, const struct inquiry *inquiry,
                     const struct verdict *verdict)
{
    const struct config *config = gather->config;
    if (!decision_log_wants(gather->sources.decision_log, &config->decision_log, verdict->rule))
        return;
    struct decision decision = {
        .client = &inquiry->client,
        .client_name = inquiry->client_name,
        .keys = &inquiry->keys,
        .facts = &inquiry->facts,
        .verdict = verdict,
        .client_class = &config->client_class,
    };
    decision_log_tell(gather->sources.decision_log, &config->decision_log, &decision);
}

/* What decide() says, and what it brings about. */
static struct verdict admit(struct gather *gather, struct inquiry *inquiry, size_t service,
                            const struct decide_settings *settings, bool has_milter,
                            int64_t now_ms)
{
    struct verdict verdict = decide(&inquiry->facts, settings);
    if (service < SERVICES_MAX)
        gather->levels[service] = verdict.level;
    if (inquiry->is_about_addresses) { /* who is let in was asked elsewhere */
        verdict.action = VERDICT_CONTINUE;
        return verdict;
    }
    count(gather, inquiry, &verdict, now_ms);
    if (verdict.code != 0)
        tell(inquiry, &verdict, has_milter);
    if (verdict_is_of_level(&verdict))
        stress_monitor_note_turned_away(gather->sources.monitor, service, now_ms);
    if (verdict.action == VERDICT_HANG_UP)
        end_session(gather, inquiry, &verdict);
    else if (inquiry->facts.stage != STAGE_OTHER)
        session_memory_set(inquiry->memory, &inquiry->session);
    if (verdict.action == VERDICT_HANG_UP && inquiry->facts.stage == STAGE_CONNECT)
        stress_monitor_add_sessions(gather->sources.monitor, service, -1);
    tell_all(gather, inquiry, &verdict);
    return verdict;
}

static void verify(const struct gather *gather, struct inquiry *inquiry, int64_t now_ms,
                   struct verdict *verdict)
{
    bool is_off =
        gather->config->admission.mode != MODE_ENFORCE || inquiry->facts.is_switched_off;
    verify_inquiry_apply(inquiry->verify, &inquiry->client, is_off, now_ms, verdict);
    if (verdict->action == VERDICT_HANG_UP)
        record_hang_up(gather, inquiry, &verdict->classification);
}

/* The pressure and the levels of this moment. Returns what levels mean to the service. */
static const struct level_settings *take_reading(struct gather *gather, struct inquiry *inquiry,
                                                 size_t service, int64_t now_ms)
{
    const struct service_list *services = &gather->config->services;
    struct stress_reading reading;
    stress_monitor_read(gather->sources.monitor, service, -1, inquiry->is_stressed, now_ms,
                        &reading);
    inquiry->facts.pressure = reading.pressure;
    inquiry->facts.level = reading.level;
    inquiry->facts.is_level_forced = reading.is_level_forced;
    inquiry->facts.is_switched_off = reading.is_off;
    /* A reload may have taken the service away since the request came. */
    return &services->items[service < services->count ? service : 0].level;
}

static struct verdict finish(struct gather *gather, struct inquiry *inquiry, int64_t now_ms)
{
    const struct gather_sources *sources = &gather->sources;
    struct host_word host = host_record_word(sources->host_record);
    size_t service = find_service(gather, inquiry->port);
    if (inquiry->facts.stage == STAGE_CONNECT && !inquiry->is_about_addresses)
        stress_monitor_add_sessions(sources->monitor, service, 1);
    struct decide_settings settings = gather->settings;

    settings.level = take_reading(gather, inquiry, service, now_ms);
    inquiry->facts.is_session_admitted = inquiry_is_admitted(inquiry, host.has_milter);

    const struct rails_settings *rails = &gather->config->admission.rails;
    inquiry->facts.is_history_capped =
        history_guard_is_reached(gather->history_guard, rails, now_ms);

    if (inquiry->facts.client.has_address)
        host_record_tell_access(sources->host_record, &inquiry->client, now_ms,
                                &inquiry->facts.client);
    if (inquiry->rbl) {
        rbl_inquiry_count(inquiry->rbl, inquiry->memory, &inquiry->session);
        rbl_inquiry_apply(inquiry->rbl, settings.level, &inquiry->facts);
    }
    struct verdict verdict =
        admit(gather, inquiry, service, &settings, host.has_milter, now_ms);
    if (inquiry->verify && verdict.action == VERDICT_CONTINUE)
        verify(gather, inquiry, now_ms, &verdict);
    count_verdict(&inquiry->facts, &verdict, clock_monotonic_us() - inquiry->started_us);
    return verdict;
}

static bool is_answered(const struct gather_pending *pending)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        if (pending->client_questions[scope].request)
            return false;
    const struct rbl_inquiry *rbl = pending->inquiry.rbl;
    const struct verify_inquiry *verify = pending->inquiry.verify;
    return !pending->host_question && !(rbl && rbl_inquiry_is_waiting(rbl)) &&
           !(verify && verify_inquiry_is_waiting(verify));
}

static void finish_if_answered(struct gather_pending *pending)
{
    if (!is_answered(pending))
        return;
    struct verdict verdict = finish(pending->gather, &pending->inquiry, clock_monotonic_ms());
    gather_callback *callback = pending->callback;
    void *context = pending->context;
    inquiry_release(&pending->inquiry);
    free(pending);
    callback(context, &verdict);
}

/* What is known of the client helps to find a list that has gone wrong. */
static void tell_lists(struct gather_pending *pending)
{
    const struct client_facts *client = &pending->inquiry.facts.client;
    if (pending->inquiry.rbl &&
        classify(client, pending->gather->settings.client_class).class == CLASS_GOOD)
        rbl_inquiry_set_known_good(pending->inquiry.rbl);
}

static void on_answer(void *context)
{
    finish_if_answered(context);
}

static void on_client_answer(void *context, enum history_state state,
                             const struct client_record *record)
{
    struct client_question *question = context;
    struct gather_pending *pending = question->pending;
    size_t scope = (size_t)(question - pending->client_questions);
    const struct client_key *key = &pending->inquiry.keys.of[scope];
    struct history_fact *fact = &pending->inquiry.facts.client.history[scope];
    struct store *store = pending->gather->sources.store;
    int64_t now_ms = clock_monotonic_ms();

    question->request = NULL;
    if (state != HISTORY_MISSING)
        store_remember(store, key, state, record, now_ms);
    /* From memory in any case: it may know what Redis was not told yet. */
    client_cache_get(store->cache, key, now_ms, &fact->state, &fact->record);
    tell_lists(pending);
    finish_if_answered(pending);
}

static void on_host_answer(void *context)
{
    struct gather_pending *pending = context;
    pending->host_question = NULL;
    finish_if_answered(pending);
}

/* What memory knows. True when all of it is fresh; is_asked_r: of which keys Redis may know
 * more. */
static bool look_up(const struct gather *gather, struct inquiry *inquiry, int64_t now_ms,
                    bool is_asked_r[static SCOPE_COUNT])
{
    struct client_cache *cache = gather->sources.store->cache;
    bool is_fresh = true;
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        struct history_fact *fact = &inquiry->facts.client.history[scope];
        is_asked_r[scope] = client_keys_has(&inquiry->keys, (enum history_scope)scope) &&
                            client_cache_get(cache, &inquiry->keys.of[scope], now_ms,
                                             &fact->state, &fact->record) != L1_FRESH;
        is_fresh = is_fresh && !is_asked_r[scope];
    }
    return is_fresh;
}

/* Asks Redis for what memory does not have, in one round trip. NULL: nothing can be asked, or
 * has to be. */
static struct gather_pending *ask(struct gather *gather, const struct inquiry *inquiry,
                                  const bool is_asked[static SCOPE_COUNT], int64_t now_ms)
{
    const struct gather_sources *sources = &gather->sources;
    struct gather_pending *pending = memory_allocate(1, sizeof(*pending));

    pending->gather = gather;
    pending->inquiry = *inquiry;
    slice_copy_string(inquiry->client_name, pending->client_name, sizeof(pending->client_name));
    pending->inquiry.client_name = slice_from_string(pending->client_name);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        struct client_question *question = &pending->client_questions[scope];
        question->pending = pending;
        if (is_asked[scope])
            question->request = redis_async_read_client(
                sources->store->redis, &inquiry->keys.of[scope], on_client_answer, question);
    }
    if (sources->is_host_record_asked)
        pending->host_question =
            host_record_ask(sources->host_record, now_ms, on_host_answer, pending);
    if (is_answered(pending)) {
        free(pending);
        return NULL;
    }
    if (inquiry->rbl)
        rbl_inquiry_wait(inquiry->rbl, pending);
    if (inquiry->verify)
        verify_inquiry_wait(inquiry->verify, pending);
    tell_lists(pending);
    return pending;
}

enum gather_result gather_verdict(struct gather *gather, const struct policy_request *request,
                                  struct session_memory *memory, int64_t now_ms,
                                  gather_callback *callback, void *context,
                                  struct verdict *verdict_r, struct gather_pending **pending_r)
{
    struct inquiry inquiry = {.started_us = clock_monotonic_us()};
    bool is_asked[SCOPE_COUNT] = {false}, is_fresh = true;

    policy_request_port(request, POLICY_ATTRIBUTE_SERVER_PORT, &inquiry.port);
    size_t service = find_service(gather, inquiry.port);
    if (service == STRESS_MONITOR_NO_SERVICE) {
        *verdict_r = (struct verdict){.action = VERDICT_CONTINUE, .rule = RULE_OFF};
        return GATHER_READY;
    }
    inquiry.is_about_addresses =
        gather_verify_is_alone(gather->sources.verify, request, memory->is_about_addresses);
    inquiry.verify = verify_inquiry_start(gather->sources.verify, request,
                                          inquiry.is_about_addresses, now_ms, on_answer);
    if (inquiry.is_about_addresses && !inquiry.verify) {
        *verdict_r = (struct verdict){.action = VERDICT_CONTINUE, .rule = RULE_OFF};
        return GATHER_READY;
    }
    inquiry_init(&inquiry, gather->config, gather->own_addresses, request, memory, now_ms);
    if (inquiry_needs_history(&inquiry, gather->config)) {
        client_keys_get(&inquiry.client, inquiry.client_name, &gather->sources.store->domains,
                        &inquiry.keys);
        is_fresh = look_up(gather, &inquiry, now_ms, is_asked);
        if (!inquiry.is_about_addresses)
            inquiry.rbl = rbl_inquiry_start(gather->sources.rbl, request,
                                            gather->levels[service], now_ms, on_answer);
        is_fresh = is_fresh && !(inquiry.rbl && rbl_inquiry_is_waiting(inquiry.rbl));
    }
    is_fresh = is_fresh && !(inquiry.verify && verify_inquiry_is_waiting(inquiry.verify));
    if (!is_fresh || gather->sources.is_host_record_asked) {
        struct gather_pending *pending = ask(gather, &inquiry, is_asked, now_ms);
        if (pending) {
            pending->callback = callback;
            pending->context = context;
            *pending_r = pending;
            return GATHER_PENDING;
        }
    }
    *verdict_r = finish(gather, &inquiry, now_ms);
    inquiry_release(&inquiry);
    return GATHER_READY;
}

void gather_cancel(struct gather_pending *pending)
{
    const struct gather_sources *sources = &pending->gather->sources;
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        if (pending->client_questions[scope].request)
            redis_async_cancel(sources->store->redis, pending->client_questions[scope].request);
    if (pending->host_question)
        host_record_cancel(sources->host_record, pending->host_question);
    inquiry_release(&pending->inquiry);
    free(pending);
}

bool gather_is_history_capped(const struct gather *gather, int64_t now_ms)
{
    return history_guard_is_reached(gather->history_guard, &gather->config->admission.rails,
                                    now_ms);
}

enum level gather_level(struct gather *gather, int64_t now_ms)
{
    struct inquiry inquiry = {.is_stressed = false};
    const struct level_settings *settings = take_reading(gather, &inquiry, 0, now_ms);
    gather->levels[0] = decide_level(&inquiry.facts, settings);
    return gather->levels[0];
}
