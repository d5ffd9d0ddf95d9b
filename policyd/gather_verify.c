#include "policyd/gather_verify.h"

#include "common/config.h"
#include "common/memory.h"
#include "common/verify_reply.h"
#include "common/verify_settings.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"
#include "policyd/probe_watch.h"
#include "policyd/redis_async.h"
#include "policyd/store.h"
#include "policyd/verify_memory.h"

#include <stdlib.h>

struct gather_verify {
    struct store *store;
    const struct config *config;
    struct verify_memory *memory;
    struct probe_watch *probes;
    char reply[VERIFY_REPLY_SIZE]; /* text of the last answer */
};

/* One of the two addresses of a request. */
struct question {
    struct verify_inquiry *inquiry;
    struct recipient_hash hash;
    struct redis_key key;
    struct redis_async_request *request; /* NULL: none, or answered */
};

struct verify_inquiry {
    struct gather_verify *gather;
    struct verify_facts facts;
    uint64_t session;
    struct question questions[ADDRESS_KIND_COUNT];
    verify_inquiry_callback *callback;
    void *context; /* NULL: nobody waits yet */
};

static void on_outcome(void *context, const struct recipient_hash *hash,
                       const struct recipient_record *record)
{
    struct gather_verify *gather = context;
    verify_memory_put(gather->memory, hash, record, gather->config->memory.fresh_ms,
                      clock_monotonic_ms());
}

struct gather_verify *gather_verify_create(struct event_base *base, struct store *store,
                                           const struct config *config)
{
    struct gather_verify *gather = memory_allocate(1, sizeof(*gather));
    gather->store = store;
    gather->config = config;
    gather->memory = verify_memory_create((size_t)config->verify.entries);
    gather->probes = probe_watch_create(base, store, on_outcome, gather);
    return gather;
}

void gather_verify_free(struct gather_verify *gather)
{
    if (!gather)
        return;
    probe_watch_free(gather->probes);
    verify_memory_free(gather->memory);
    free(gather);
}

void gather_verify_reload(struct gather_verify *gather, const struct config *config)
{
    gather->config = config;
}

bool gather_verify_is_alone(const struct gather_verify *gather,
                            const struct policy_request *request, bool is_of_listener)
{
    return is_of_listener ||
           (gather->config->verify.requests == VERIFY_REQUESTS_CONTEXT &&
            slice_equals(policy_request_value(request, POLICY_ATTRIBUTE_POLICY_CONTEXT),
                         SLICE_LITERAL("verify")));
}

/* -- what is known ------------------------------------------------------------------------ */

static void on_record(void *context, bool is_answered, const struct redis_field *fields,
                      size_t count)
{
    struct question *question = context;
    struct verify_inquiry *inquiry = question->inquiry;
    struct verify_address *address = &inquiry->facts.addresses[question - inquiry->questions];
    question->request = NULL;
    if (is_answered) {
        address->is_known = true;
        address->record = (struct recipient_record){.status = RECIPIENT_UNKNOWN};
        for (size_t i = 0; i < count; i++)
            recipient_record_set_field(&address->record, fields[i].name, fields[i].value);
        on_outcome(inquiry->gather, &question->hash, &address->record);
    }
    if (inquiry->context && !verify_inquiry_is_waiting(inquiry))
        inquiry->callback(inquiry->context);
}

/* An address without a hash, as it is empty or too long, stays unknown for good. */
static void ask(struct verify_inquiry *inquiry, enum address_kind kind,
                const struct recipient_address *recipient, int64_t now_ms)
{
    struct gather_verify *gather = inquiry->gather;
    struct question *question = &inquiry->questions[kind];
    struct verify_address *address = &inquiry->facts.addresses[kind];

    address->is_verified =
        verify_has_domain(&gather->config->verify, kind, recipient_address_domain(recipient));
    if (!address->is_verified)
        return;
    question->inquiry = inquiry;
    verify_key(&gather->config->verify, gather->config->redis.prefix, kind, recipient,
               &question->key, &question->hash);
    enum l1_result result =
        verify_memory_get(gather->memory, &question->hash, now_ms, &address->record);
    address->is_known = address->record.status != RECIPIENT_UNKNOWN;
    if (result != L1_FRESH)
        question->request = redis_async_read_hash(
            gather->store->redis, redis_key_slice(&question->key), on_record, question);
}

struct verify_inquiry *verify_inquiry_start(struct gather_verify *gather,
                                            const struct policy_request *request, bool is_alone,
                                            int64_t now_ms, verify_inquiry_callback *callback)
{
    const struct verify_settings *settings = &gather->config->verify;
    const struct recipient_address_settings form = verify_address_settings(settings);
    struct recipient_address recipient, sender;
    struct address client;
    uint16_t port = 0;

    if (!verify_is_on(settings) || policy_request_stage(request) != STAGE_RCPT ||
        (!is_alone && settings->requests != VERIFY_REQUESTS_ALL) ||
        !recipient_address_set(
            &recipient, policy_request_value(request, POLICY_ATTRIBUTE_RECIPIENT), &form))
        return NULL;
    struct verify_inquiry *inquiry = memory_allocate(1, sizeof(*inquiry));
    inquiry->gather = gather;
    inquiry->callback = callback;
    inquiry->facts.now_s = clock_wall_s();
    inquiry->facts.is_role = recipient_address_is_role(&recipient);
    inquiry->facts.is_null_sender =
        policy_request_value(request, POLICY_ATTRIBUTE_SENDER).length == 0;
    if (policy_request_client(request, &client))
        policy_request_port(request, POLICY_ATTRIBUTE_CLIENT_PORT, &port);
    inquiry->session = recipient_session(&client, port);
    ask(inquiry, ADDRESS_RECIPIENT, &recipient, now_ms);
    if (recipient_address_set(&sender, policy_request_value(request, POLICY_ATTRIBUTE_SENDER),
                              &form))
        ask(inquiry, ADDRESS_SENDER, &sender, now_ms);
    return inquiry;
}

bool verify_inquiry_is_waiting(const struct verify_inquiry *inquiry)
{
    for (int kind = 0; kind < ADDRESS_KIND_COUNT; kind++)
        if (inquiry->questions[kind].request)
            return true;
    return false;
}

void verify_inquiry_wait(struct verify_inquiry *inquiry, void *context)
{
    inquiry->context = context;
}

void verify_inquiry_free(struct verify_inquiry *inquiry)
{
    if (!inquiry)
        return;
    for (int kind = 0; kind < ADDRESS_KIND_COUNT; kind++)
        if (inquiry->questions[kind].request)
            redis_async_cancel(inquiry->gather->store->redis, inquiry->questions[kind].request);
    free(inquiry);
}

/* -- the answer --------------------------------------------------------------------------- */

static void ignore_reply(void *context, size_t index, const struct redis_reply *reply)
{
    (void)context;
    (void)index;
    (void)reply;
}

/* So that the milter's word that it was accepted counts. */
static void note_asked(const struct verify_inquiry *inquiry, const struct question *question)
{
    char buffer[RECIPIENT_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    recipient_asked_command(&command, redis_key_slice(&question->key), inquiry->session);
    redis_async_send(inquiry->gather->store->redis, REDIS_USE_WRITE, &command, 1, ignore_reply,
                     NULL);
}

static void follow(const struct verify_inquiry *inquiry, const struct verify_verdict *verify,
                   enum probe_bucket bucket, int64_t now_ms)
{
    struct gather_verify *gather = inquiry->gather;
    const struct question *recipient = &inquiry->questions[ADDRESS_RECIPIENT];
    for (int kind = 0; kind < ADDRESS_KIND_COUNT; kind++)
        if (verify->is_asked[kind])
            note_asked(inquiry, &inquiry->questions[kind]);
    if (verify->is_asked[ADDRESS_RECIPIENT])
        verify_memory_note_asked(gather->memory, inquiry->session, &recipient->hash, now_ms);
    else if (verify->answer == VERIFY_REJECT && verify->kind == ADDRESS_RECIPIENT)
        verify_memory_note_guess(gather->memory, inquiry->session, now_ms);
    if (verify->rule == VERIFY_RULE_PROBE && inquiry->facts.class < CLASS_GOOD)
        probe_watch_add(gather->probes, bucket, gather->config->verify.probes_per_minute,
                        &inquiry->questions[verify->kind].key,
                        &inquiry->questions[verify->kind].hash, now_ms);
}

static bool is_unknown(const struct verify_address *address)
{
    return address->is_verified && (address->record.status == RECIPIENT_UNKNOWN ||
                                    address->record.status == RECIPIENT_DEFERRED);
}

/* A probe of the reserve is for those whose address was deferred for lack of one before. */
static enum probe_bucket choose_bucket(struct verify_inquiry *inquiry,
                                       const struct address *client, int64_t now_ms)
{
    struct gather_verify *gather = inquiry->gather;
    struct verify_facts *facts = &inquiry->facts;
    const struct verify_settings *settings = &gather->config->verify;
    enum probe_bucket bucket = PROBE_OF_ANYBODY;

    facts->is_probe_left =
        probe_watch_has_probe(gather->probes, bucket, settings->probes_per_minute, now_ms);
    if (!facts->is_probe_left && facts->class < CLASS_GOOD &&
        is_unknown(&facts->addresses[ADDRESS_RECIPIENT]) &&
        verify_memory_has_come_back(gather->memory, client,
                                    &inquiry->questions[ADDRESS_RECIPIENT].hash,
                                    settings->retry_s * 1000, now_ms)) {
        bucket = PROBE_OF_RETURNING;
        facts->is_probe_left =
            probe_watch_has_probe(gather->probes, bucket, settings->probes_per_minute, now_ms);
    }
    return bucket;
}

static void tell(const struct verify_inquiry *inquiry, const struct verify_verdict *verify,
                 const struct address *client)
{
    char text[ADDRESS_TEXT_SIZE];
    address_format(client, text);
    if (verify->answer == VERIFY_HANG_UP)
        log_info("hang-up client=%s stage=RCPT rule=%s guesses=%lld level=%s class=%s", text,
                 verify_rule_name(verify->rule), (long long)inquiry->facts.guesses,
                 level_name(inquiry->facts.level), client_class_name(inquiry->facts.class));
    else
        log_debug("verify client=%s kind=%s rule=%s level=%s", text,
                  verify->kind == ADDRESS_SENDER ? "sender" : "recipient",
                  verify_rule_name(verify->rule), level_name(inquiry->facts.level));
}

void verify_inquiry_apply(struct verify_inquiry *inquiry, const struct address *client,
                          bool is_off, int64_t now_ms, struct verdict *verdict)
{
    struct gather_verify *gather = inquiry->gather;
    struct verify_facts *facts = &inquiry->facts;

    facts->is_off = is_off;
    facts->level = verdict->level;
    facts->class = verdict->classification.class;
    facts->guesses = verify_memory_guesses(gather->memory, inquiry->session, now_ms);
    enum probe_bucket bucket = choose_bucket(inquiry, client, now_ms);
    struct verify_verdict verify = verify_decide(facts, &gather->config->verify);
    verify_reply_format(&verify, facts, &gather->config->verify, gather->reply, verdict);
    follow(inquiry, &verify, bucket, now_ms);
    COUNT(VERIFY_ANSWERS, verify.rule);
    tell(inquiry, &verify, client);
}
