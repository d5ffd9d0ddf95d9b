/* The explanation for programs. Keys are an interface, documented in postvalvectl(1). */
#include "view/explain.h"

#include "common/decision_json.h"
#include "common/escape.h"
#include "common/verdict_log.h"

static json_t *list_json(const struct explanation *explanation)
{
    const struct access_entry *entry = &explanation->access.entry;
    char by[4 * ACCESS_BY_SIZE], note[4 * ACCESS_NOTE_SIZE];
    if (!explanation->access.is_listed)
        return json_null();
    escape_text(slice_from_string(entry->by), by, sizeof(by));
    escape_words(slice_from_string(entry->note), note, sizeof(note));
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind", access_kind_name(entry->kind), "key",
                     entry->key, "seconds_left", (json_int_t)explanation->access.seconds_left,
                     "by", by, "note", note);
}

static json_t *now_json(const struct explanation *explanation)
{
    char line[VERDICT_LOG_SIZE];
    const struct verdict *verdict = &explanation->now;
    const char *source = explanation->is_pressure_assumed     ? "assumed"
                         : explanation->is_pressure_published ? "published"
                                                              : "unknown";
    verdict_log_format(verdict, &explanation->facts, &explanation->address, line, sizeof(line));
    return json_pack("{s:f, s:s, s:s, s:b, s:s, s:i, s:s}", "pressure",
                     explanation->facts.pressure.value, "source", source, "level",
                     level_name(verdict->level), "admitted",
                     verdict->action == VERDICT_CONTINUE, "rule", rule_name(verdict->rule),
                     "code", verdict->code, "log", line);
}

static json_t *outlook_json(const struct outlook *outlook)
{
    static const char *const kinds[] = {
        [OUTLOOK_IN] = "in", [OUTLOOK_BELOW_CEILING] = "below-ceiling", [OUTLOOK_OUT] = "out"};
    const struct verdict *verdict = &outlook->verdict;
    json_t *object = json_pack("{s:s, s:s, s:b}", "admitted", kinds[outlook->kind], "rule",
                               rule_name(verdict->rule), "observed", verdict->is_observed);
    if (outlook->kind == OUTLOOK_IN)
        return object;
    json_object_set_new(object, "code", json_integer(verdict->code));
    json_object_set_new(object, "text", json_string(verdict->text));
    if (outlook->kind == OUTLOOK_BELOW_CEILING)
        json_object_set_new(object, "ceiling", json_real(outlook->ceiling));
    return object;
}

/* The answers that Redis remembers; the rest nobody has asked for lately. */
static json_t *lists_json(const struct explain_lists *lists, const struct rbl_plan *plan)
{
    json_t *array = json_array();
    for (size_t i = 0; i < lists->query_count; i++) {
        const struct explain_query *query = &lists->queries[i];
        char subject[DNSBL_NAME_SIZE * 4], answer[sizeof(query->text) * 4];
        if (!query->subject[0])
            continue;
        escape_text(slice_from_string(query->subject), subject, sizeof(subject));
        escape_words(slice_from_string(query->text), answer, sizeof(answer));
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:s, s:I}", "list",
                             plan->lists[plan->queries[i].list].zone, "subject", subject,
                             "state", explain_query_state(query), "answer", answer,
                             "seconds_left", (json_int_t)query->seconds_left));
    }
    return array;
}

static json_t *address_json(const struct explanation *explanation, enum address_kind kind)
{
    const struct verify_address *address = &explanation->recipient.facts.addresses[kind];
    const struct recipient_lifetimes *lifetimes = &explanation->config->verify.lifetimes;
    int64_t now_s = explanation->recipient.facts.now_s;
    if (!explanation->recipient.is_asked[kind])
        return json_null();
    return json_pack(
        "{s:b, s:s, s:b, s:I, s:s}", "verified", address->is_verified, "status",
        recipient_status_name(recipient_record_status(&address->record, lifetimes, now_s)),
        "is_due", recipient_record_is_due(&address->record, lifetimes, now_s), "updated",
        (json_int_t)address->record.updated_s, "reason", address->record.text);
}

static json_t *verify_json(const struct explanation *explanation)
{
    const struct explain_recipient *recipient = &explanation->recipient;
    if (!recipient->is_asked[ADDRESS_RECIPIENT])
        return json_null();
    return json_pack("{s:s, s:i, s:s}", "rule", verify_rule_name(recipient->verify.rule),
                     "code", recipient->verdict.code, "text",
                     recipient->verdict.text ? recipient->verdict.text : "");
}

json_t *explain_json(const struct explanation *explanation)
{
    const struct classification *classification = &explanation->now.classification;
    const struct client_facts *client = &explanation->facts.client;
    char address[ADDRESS_TEXT_SIZE];
    json_t *levels = json_object();
    address_format(&explanation->address, address);
    for (enum level level = 0; level < LEVEL_COUNT; level++)
        json_object_set_new(levels, level_name(level),
                            outlook_json(&explanation->outlooks[level]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o}", "client", address, "class",
                  client_class_name(classification->class), "reason",
                  class_reason_name(classification->reason), "scope",
                  history_scope_name(classification->scope), "trusted_network",
                  client->is_in_trusted_networks, "allowed", client->is_allowed, "own_address",
                  client->is_own_address, "list", list_json(explanation));
    json_object_set_new(
        root, "history",
        history_json(&explanation->keys, client, &explanation->config->client_class));
    json_object_set_new(root, "dns_lists",
                        lists_json(&explanation->lists, explanation->config->rbl.plan));
    json_object_set_new(root, "sender", address_json(explanation, ADDRESS_SENDER));
    json_object_set_new(root, "recipient", address_json(explanation, ADDRESS_RECIPIENT));
    json_object_set_new(root, "verify", verify_json(explanation));
    json_object_set_new(root, "now", now_json(explanation));
    json_object_set_new(root, "levels", levels);
    return root;
}
