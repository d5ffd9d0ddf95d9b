#include "milter/admission.h"

#include "common/reply_text.h"
#include "common/verdict_log.h"
#include "host/clock.h"
#include "host/count_verdict.h"
#include "host/decision_log.h"
#include "host/history_guard.h"
#include "host/log.h"
#include "host/own_addresses.h"
#include "host/stress_monitor.h"
#include "milter/access_watch.h"
#include "milter/history.h"
#include "milter/newcomer_watch.h"
#include "milter/session_table.h"

#include <string.h>

#define MS_PER_S 1000

/* The pressure and the level of this moment, of the session's service. busy: its slots. */
static void read_stress(struct milter *milter, const struct session *session, int busy,
                        bool is_postfix_stressed, int64_t now_ms, struct facts *facts)
{
    struct stress_reading reading;
    stress_monitor_read(milter->stress,
                        stress_monitor_find(milter->stress, session->service_port), busy,
                        is_postfix_stressed, now_ms, &reading);
    facts->pressure = reading.pressure;
    facts->level = reading.level;
    facts->is_level_forced = reading.is_level_forced;
    facts->is_switched_off = reading.is_off;
}

/* A reload may have taken the service away since the session began. */
static const struct level_settings *level_settings_of(const struct config *config,
                                                      const struct session *session)
{
    const struct service_settings *service =
        service_list_find(&config->services, session->service_port);
    return service ? &service->level : &config->level;
}

static struct client_facts client_facts_of(struct milter *milter, const struct config *config,
                                           const struct session *session, int64_t now_ms)
{
    const struct address *address = &session->address;
    struct client_facts facts = {
        .has_address = address->family != ADDRESS_NONE,
        .is_in_trusted_networks = network_list_contains(&config->trusted_networks, address),
        .is_allowed = network_list_contains(&config->allow, address),
        .is_own_address = config->is_own_address_trusted &&
                          own_addresses_contain(milter->own_addresses, address, now_ms),
        .history = {{.state = HISTORY_MISSING}},
        .now_s = clock_wall_s(),
    };
    access_watch_tell(milter->access, address, now_ms, &facts);
    return facts;
}

/* Of clients whose class does not depend on it nobody needs the history. */
static bool needs_history(const struct client_facts *client)
{
    return client->has_address && !client->is_authenticated &&
           !client->is_in_trusted_networks && !client->is_allowed && !client->is_own_address;
}

static bool is_shared_now(struct milter *milter, const struct config *config,
                          const struct session *session)
{
    int sessions, behaving;
    session_table_count_client(milter->sessions, &session->keys.of[SCOPE_CLIENT], &sessions,
                               &behaving);
    return rails_is_shared(&config->admission.rails, sessions, behaving);
}

static void tell_decision(struct milter *milter, const struct config *config,
                          const struct facts *facts, const struct session *session,
                          struct verdict verdict)
{
    const struct reply_subject subject = {&session->address,
                                          slice_from_string(session->client_name)};
    struct buffer text = REPLY_TEXT_BUFFER;
    struct decision decision = {
        .client = &session->address,
        .client_name = subject.name,
        .keys = &session->keys,
        .facts = facts,
        .verdict = &verdict,
        .client_class = &config->client_class,
    };
    reply_text_expand(&config->reply, &subject, &verdict, &text);
    decision_log_tell(milter->decision_log, &config->decision_log, &decision);
    buffer_free(&text);
}

static struct verdict conclude(struct milter *milter, const struct config *config,
                               struct facts *facts, const struct session *session,
                               int64_t now_ms, int64_t started_us)
{
    struct decide_settings settings = {
        .admission = &config->admission,
        .level = level_settings_of(config, session),
        .client_class = &config->client_class,
        .reply = &config->reply,
    };
    facts->newcomers.are_on_trial = newcomer_watch_is_on_trial(milter->newcomers);
    facts->newcomers.delivering = newcomer_watch_delivering(milter->newcomers, now_ms);
    facts->is_history_capped =
        history_guard_is_reached(milter->history_guard, &config->admission.rails, now_ms);
    struct verdict verdict = decide(facts, &settings);
    if (facts->stage == STAGE_CONNECT && verdict.classification.class != CLASS_TRUSTED)
        history_guard_count(milter->history_guard, &config->admission.rails,
                            verdict.is_by_history_alone, now_ms);
    count_verdict(facts, &verdict, clock_monotonic_us() - started_us);
    if (verdict.code != 0) {
        char line[VERDICT_LOG_SIZE];
        verdict_log_format(&verdict, facts, &session->address, line, sizeof(line));
        log_info("%s", line);
    }
    if (decision_log_wants(milter->decision_log, &config->decision_log, verdict.rule))
        tell_decision(milter, config, facts, session, verdict);
    return verdict;
}

struct verdict admission_decide_connect(struct milter *milter, const struct config *config,
                                        const struct session *session, int busy,
                                        bool is_postfix_stressed)
{
    int64_t now_ms = clock_monotonic_ms(), started_us = clock_monotonic_us();
    struct facts facts = {
        .front = FRONT_MILTER,
        .stage = STAGE_CONNECT,
        .client = client_facts_of(milter, config, session, now_ms),
    };
    if (needs_history(&facts.client)) {
        history_read(milter->history, &session->keys, now_ms, facts.client.history);
        facts.client.is_shared = is_shared_now(milter, config, session);
        if (config->rbl.checks.count > 0 &&
            facts.client.history[SCOPE_CLIENT].state == HISTORY_NONE)
            history_announce(milter->history, &session->address);
    }
    facts.newcomers.busy = session_table_newcomers(milter->sessions, session->service_port);
    read_stress(milter, session, busy, is_postfix_stressed, now_ms, &facts);
    return conclude(milter, config, &facts, session, now_ms, started_us);
}

struct verdict admission_decide_later(struct milter *milter, const struct config *config,
                                      const struct session *session, enum stage stage,
                                      bool is_authenticated)
{
    int64_t now_ms = clock_monotonic_ms(), started_us = clock_monotonic_us();
    struct facts facts = {
        .front = FRONT_MILTER,
        .stage = stage,
        .is_session_admitted = true,
        .session_score = session_bad_score(session, &config->client_class),
        .session_messages = session->accepted_messages,
        .client = client_facts_of(milter, config, session, now_ms),
    };
    facts.client.is_authenticated = is_authenticated;
    facts.client.is_shared = session->is_shared;
    if (needs_history(&facts.client))
        history_read_memory(milter->history, &session->keys, now_ms, facts.client.history);
    read_stress(milter, session, session_table_busy(milter->sessions, session->service_port),
                false, now_ms, &facts);
    return conclude(milter, config, &facts, session, now_ms, started_us);
}

static void log_outcome(const struct session *session, const struct session_outcome *outcome)
{
    char address[ADDRESS_TEXT_SIZE], evidence[EVIDENCE_TEXT_SIZE];
    struct client_record record = {.first_seen_s = 0};
    memcpy(record.counts, outcome->counts, sizeof(record.counts));
    address_format(&session->address, address);
    evidence_format(&record, evidence);
    log_debug("outcome client=%s port=%u state=%s evidence=%s hung_up=%s", address,
              (unsigned)session->port, session_state_name(session->state), evidence,
              outcome->is_hung_up ? "yes" : "no");
}

void admission_record(struct milter *milter, const struct config *config,
                      const struct session *session, bool has_ended)
{
    int64_t now_ms = clock_monotonic_ms();
    struct session_outcome outcome =
        session_outcome_of(session, config->client_class.unknown_share,
                           config->milter.silent_after_s * MS_PER_S, has_ended, now_ms);
    if (session->address.family == ADDRESS_NONE || session_outcome_is_empty(&outcome))
        return;
    log_outcome(session, &outcome);
    if (session->is_newcomer && !session->is_reclaimed) /* the reclaimer has told */
        newcomer_watch_note_end(milter->newcomers, &outcome, now_ms - session->connected_ms,
                                now_ms);
    history_add(milter->history, &session->keys, &outcome, &config->client_class,
                clock_wall_s());
}
