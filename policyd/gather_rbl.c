#include "policyd/gather_rbl.h"

#include "common/buffer.h"
#include "common/client_cache.h"
#include "common/client_keys.h"
#include "common/config.h"
#include "common/memory.h"
#include "common/rbl_listing.h"
#include "common/rbl_plan.h"
#include "common/rbl_settings.h"
#include "host/clock.h"
#include "host/hostname.h"
#include "host/log.h"
#include "host/subprocess.h"
#include "policyd/rbl_lookup.h"
#include "policyd/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POSTCONF             "/usr/sbin/postconf"
#define POSTCONF_DEADLINE_MS 2000
#define LOCALTIME_SIZE       32

struct gather_rbl {
    struct rbl_engine *engine;
    struct store *store;
    const struct config *config;
    struct buffer scratch;
    struct rbl_listing listing;
    char server_name[HOSTNAME_SIZE]; /* "": not known yet */
    unsigned generation;             /* of the configuration: what the bits of lists mean */
    char localtime[LOCALTIME_SIZE];
};

struct rbl_inquiry {
    struct gather_rbl *gather;
    struct rbl_session session;
    char *values; /* of the session, once the request is gone; NULL: in the request */
    struct rbl_lookup *lookup;
    struct rbl_finding finding;
    rbl_inquiry_callback *callback;
    void *context;
};

struct gather_rbl *gather_rbl_create(struct rbl_engine *engine, struct store *store,
                                     const struct config *config)
{
    struct gather_rbl *gather = memory_allocate(1, sizeof(*gather));
    gather->engine = engine;
    gather->store = store;
    gather->scratch = BUFFER_WITH_MAXIMUM(RBL_REPLY_SCRATCH_MAX);
    gather_rbl_reload(gather, config);
    return gather;
}

void gather_rbl_free(struct gather_rbl *gather)
{
    if (!gather)
        return;
    buffer_free(&gather->scratch);
    free(gather);
}

void gather_rbl_reload(struct gather_rbl *gather, const struct config *config)
{
    gather->config = config;
    gather->generation++;
    gather->server_name[0] = '\0';
}

/* -- asking ------------------------------------------------------------------------------- */

static void on_finding(void *context, const struct rbl_finding *finding)
{
    struct rbl_inquiry *inquiry = context;
    inquiry->lookup = NULL;
    inquiry->finding = *finding;
    inquiry->callback(inquiry->context);
}

struct rbl_inquiry *rbl_inquiry_start(struct gather_rbl *gather,
                                      const struct policy_request *request, enum level level,
                                      int64_t now_ms, rbl_inquiry_callback *callback)
{
    if (rbl_engine_is_off(gather->engine))
        return NULL;
    struct rbl_inquiry *inquiry = memory_allocate(1, sizeof(*inquiry));
    inquiry->gather = gather;
    inquiry->callback = callback;
    rbl_session_from_request(&inquiry->session, request);
    inquiry->lookup = rbl_lookup_start(gather->engine, &inquiry->session, level, now_ms,
                                       on_finding, inquiry, &inquiry->finding);
    return inquiry;
}

bool rbl_inquiry_is_waiting(const struct rbl_inquiry *inquiry)
{
    return inquiry->lookup != NULL;
}

void rbl_inquiry_wait(struct rbl_inquiry *inquiry, void *context)
{
    struct rbl_session *session = &inquiry->session;
    struct slice *values[] = {
        &session->client_address,      &session->client_port, &session->client_name,
        &session->reverse_client_name, &session->helo_name,   &session->sender,
        &session->recipient,
    };
    const size_t count = sizeof(values) / sizeof(values[0]);
    size_t size = 0;
    inquiry->context = context;
    for (size_t i = 0; i < count; i++)
        size += values[i]->length;
    inquiry->values = memory_allocate(size + 1, 1);
    char *end = inquiry->values;
    for (size_t i = 0; i < count; i++) {
        if (values[i]->length > 0)
            memcpy(end, values[i]->data, values[i]->length);
        values[i]->data = end;
        end += values[i]->length;
    }
}

void rbl_inquiry_set_known_good(struct rbl_inquiry *inquiry)
{
    if (inquiry->lookup)
        rbl_lookup_set_known_good(inquiry->lookup);
}

void rbl_inquiry_free(struct rbl_inquiry *inquiry)
{
    if (!inquiry)
        return;
    if (inquiry->lookup)
        rbl_lookup_cancel(inquiry->lookup);
    free(inquiry->values);
    free(inquiry);
}

/* -- what lists are worth ----------------------------------------------------------------- */

void gather_rbl_end_session(struct gather_rbl *gather, struct session_memory *memory)
{
    if (memory->lists.involved.answered != 0 && memory->lists.generation == gather->generation)
        rbl_engine_count_session(gather->engine, &memory->lists.involved);
    memory->lists = (struct session_lists){.is_listed = false};
}

void rbl_inquiry_count(const struct rbl_inquiry *inquiry, struct session_memory *memory,
                       const struct session_identity *session)
{
    const struct rbl_involved *found = &inquiry->finding.involved;
    struct session_lists *lists = &memory->lists;
    if (!session_identity_equals(&lists->session, session))
        gather_rbl_end_session(inquiry->gather, memory);
    lists->session = *session;
    lists->generation = inquiry->gather->generation;
    lists->involved.answered |= found->answered;
    lists->involved.matched |= found->matched;
    if (inquiry->finding.evaluation.outcome != RBL_OUTCOME_LISTED)
        return;
    /* Needed is a list without which no request would have been listed. */
    lists->involved.needed =
        lists->is_listed ? lists->involved.needed & found->needed : found->needed;
    lists->is_listed = true;
}

/* -- the reply ---------------------------------------------------------------------------- */

/* $server_name is Postfix's myhostname. Asked for when first needed. */
static struct slice get_server_name(struct gather_rbl *gather)
{
    const char *directory = gather->config->services.items[0].postfix_config_directory;
    const char *const command[] = {POSTCONF, "-c", directory, "-h", "myhostname", NULL};
    struct error error;
    if (gather->server_name[0] == '\0') {
        if (subprocess_run(command, POSTCONF_DEADLINE_MS, gather->server_name,
                           sizeof(gather->server_name), &error)) {
            gather->server_name[strcspn(gather->server_name, "\r\n")] = '\0';
        } else {
            log_warning("policyd: the name of this server is taken from the system: %s",
                        error.text);
            hostname_get("", gather->server_name);
        }
    }
    return slice_from_string(gather->server_name);
}

static struct slice get_localtime(struct gather_rbl *gather)
{
    time_t now_s = (time_t)clock_wall_s();
    struct tm parts;
    localtime_r(&now_s, &parts);
    size_t length =
        strftime(gather->localtime, sizeof(gather->localtime), "%b %d %H:%M:%S", &parts);
    return (struct slice){gather->localtime, length};
}

static void make_reply(struct rbl_inquiry *inquiry, const struct rbl_check *check,
                       enum level level, struct rbl_facts *facts)
{
    struct gather_rbl *gather = inquiry->gather;
    const struct rbl_settings *settings = &gather->config->rbl;
    struct slice argument = slice_from_string(check->argument);
    const struct macro *template = rbl_settings_template(settings, level, argument);
    struct rbl_attributes attributes;
    struct slice reason = {inquiry->finding.reason, inquiry->finding.reason_length};

    if (macro_uses(template, RBL_ATTRIBUTE_SERVER_NAME))
        inquiry->session.server_name = get_server_name(gather);
    if (macro_uses(template, RBL_ATTRIBUTE_LOCALTIME))
        inquiry->session.localtime = get_localtime(gather);
    rbl_attributes_init(&attributes, &inquiry->session, check, (int)settings->code, reason);
    rbl_listing_reply(&gather->listing, settings, template, &attributes, &gather->scratch,
                      facts);
}

void rbl_inquiry_apply(struct rbl_inquiry *inquiry, const struct level_settings *settings,
                       struct facts *facts)
{
    const struct rbl_evaluation *evaluation = &inquiry->finding.evaluation;
    const struct rbl_settings *rbl = &inquiry->gather->config->rbl;
    facts->client.is_rbl_permitted = evaluation->outcome == RBL_OUTCOME_PERMITTED;
    facts->client.is_rbl_listed = evaluation->outcome == RBL_OUTCOME_LISTED;
    if (!facts->client.is_rbl_listed)
        return;
    const struct rbl_check *check = &rbl->plan->checks[evaluation->check];
    facts->rbl.check = check->argument;
    if (rbl->action == RBL_ACTION_POSTFIX)
        rbl_listing_leave_to_postfix(&inquiry->gather->listing, rbl, check, &facts->rbl);
    else
        make_reply(inquiry, check, decide_level(facts, settings), &facts->rbl);
    if (inquiry->finding.is_new)
        gather_rbl_record(inquiry->gather, inquiry->session.client_address);
}

void gather_rbl_record(struct gather_rbl *gather, struct slice address)
{
    const struct session_outcome outcome = {.counts = {[EVIDENCE_RBL] = 1}};
    struct address client;
    if (!address_parse(address, &client))
        return;
    struct store *store = gather->store;
    struct client_keys keys;
    struct history_fact before;
    client_keys_get(&client, SLICE_LITERAL("unknown"), &store->domains, &keys);
    client_cache_get(store->cache, &keys.of[SCOPE_CLIENT], clock_monotonic_ms(), &before.state,
                     &before.record);
    store_record(store, &keys, &before, &outcome, clock_wall_s());
}
