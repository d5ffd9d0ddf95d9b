#include "common/decision_json.h"

#include "common/escape.h"
#include "common/verdict_log.h"

#define ESCAPED_SIZE 1024

/* -- history ------------------------------------------------------------------------------ */

static json_t *counts_json(const struct client_record *record)
{
    json_t *counts = json_object();
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        json_object_set_new(counts, evidence_table[kind].field,
                            json_real((double)record->counts[kind]));
    return counts;
}

static json_t *seconds_or_null(int64_t seconds)
{
    return seconds != 0 ? json_integer((json_int_t)seconds) : json_null();
}

static json_t *record_json(const struct client_keys *keys, const struct client_facts *client,
                           const struct class_settings *settings, enum history_scope scope)
{
    static const char *const states[] = {
        [HISTORY_MISSING] = "missing", [HISTORY_NONE] = "none", [HISTORY_KNOWN] = "known"};
    const struct history_fact *fact = &client->history[scope];
    char key[CLIENT_KEY_TEXT_SIZE];
    double score;
    if (!client_keys_has(keys, scope))
        return json_null();
    client_key_format(&keys->of[scope], key);
    json_t *object = json_pack("{s:s, s:s}", "key", key, "state", states[fact->state]);
    if (fact->state != HISTORY_KNOWN)
        return object;
    struct client_record record = history_weigh(fact, settings, client->now_s, &score);
    json_object_set_new(object, "counts", counts_json(&record));
    json_object_set_new(object, "bad_score", json_real(score));
    json_object_set_new(object, "first", seconds_or_null(fact->record.first_seen_s));
    json_object_set_new(object, "last", seconds_or_null(fact->record.last_seen_s));
    json_object_set_new(object, "hung_up", seconds_or_null(fact->record.hung_up_at_s));
    return object;
}

json_t *history_json(const struct client_keys *keys, const struct client_facts *client,
                     const struct class_settings *settings)
{
    json_t *history = json_object();
    for (enum history_scope scope = 0; scope < SCOPE_COUNT; scope++)
        json_object_set_new(history, history_scope_name(scope),
                            record_json(keys, client, settings, scope));
    return history;
}

/* -- the decision ------------------------------------------------------------------------- */

static json_t *escaped_or_null(struct slice text)
{
    char escaped[ESCAPED_SIZE];
    if (text.length == 0)
        return json_null();
    escape_words(text, escaped, sizeof(escaped));
    return json_string(escaped);
}

static json_t *rbl_json(const struct rbl_facts *rbl)
{
    if (!rbl->check)
        return json_null();
    return json_pack("{s:o, s:i}", "check", escaped_or_null(slice_from_string(rbl->check)),
                     "code", rbl->code);
}

static json_t *pressure_json(const struct pressure *pressure)
{
    if (!pressure->is_known)
        return json_null();
    return json_pack("{s:f, s:f, s:i, s:i, s:i, s:s, s:b}", "value", pressure->value, "slots",
                     pressure->slots, "busy", pressure->busy, "slot_limit",
                     pressure->slot_limit, "waiting", pressure->waiting, "driver",
                     sensor_name(pressure->driver), "postfix_stress",
                     pressure->is_postfix_stressed);
}

static void add_client(json_t *object, const struct decision *decision)
{
    const struct client_facts *client = &decision->facts->client;
    const struct classification *classification = &decision->verdict->classification;
    char address[ADDRESS_TEXT_SIZE];
    address_format(decision->client, address);
    json_t *part =
        json_pack("{s:s, s:o, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:o}", "client",
                  address, "client_name", escaped_or_null(decision->client_name), "class",
                  client_class_name(classification->class), "reason",
                  class_reason_name(classification->reason), "scope",
                  history_scope_name(classification->scope), "trusted_network",
                  client->is_in_trusted_networks, "allowed", client->is_allowed, "blocked",
                  client->is_blocked, "own_address", client->is_own_address, "authenticated",
                  client->is_authenticated, "shared", client->is_shared, "history",
                  history_json(decision->keys, client, decision->client_class));
    json_object_update(object, part);
    json_decref(part);
}

static void add_verdict(json_t *object, const struct decision *decision)
{
    static const char *const actions[] = {[VERDICT_CONTINUE] = "continue",
                                          [VERDICT_HANG_UP] = "hang-up",
                                          [VERDICT_REPLY] = "reply",
                                          [VERDICT_RESTRICTION] = "restriction"};
    const struct facts *facts = decision->facts;
    const struct verdict *verdict = decision->verdict;
    bool has_text = verdict->code != 0 && verdict->text;
    json_t *part =
        json_pack("{s:s, s:b, s:s, s:i, s:o, s:f, s:s, s:b, s:b, s:b, s:o, s:o}", "action",
                  actions[verdict->action], "observed", verdict->is_observed, "rule",
                  rule_name(verdict->rule), "code", verdict->code, "text",
                  has_text ? escaped_or_null(slice_from_string(verdict->text)) : json_null(),
                  "ceiling", verdict->ceiling, "level", level_name(verdict->level),
                  "level_forced", facts->is_level_forced, "history_capped",
                  facts->is_history_capped, "admitted_before", facts->is_session_admitted,
                  "rbl", rbl_json(&facts->rbl), "pressure", pressure_json(&facts->pressure));
    json_object_update(object, part);
    json_decref(part);
}

json_t *decision_json(const struct decision *decision)
{
    char line[VERDICT_LOG_SIZE];
    verdict_log_format(decision->verdict, decision->facts, decision->client, line,
                       sizeof(line));
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s}", "time", decision->time, "host", decision->host,
                  "process", decision->process, "stage", stage_name(decision->facts->stage));
    add_client(object, decision);
    add_verdict(object, decision);
    json_object_set_new(object, "share", json_real(decision->share));
    json_object_set_new(object, "log", json_string(line));
    return object;
}
