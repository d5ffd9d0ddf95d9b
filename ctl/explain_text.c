#include "ctl/explain_text.h"

#include "common/duration.h"
#include "common/escape.h"
#include "common/verdict_log.h"
#include "ctl/row.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTION_SIZE 512

static void format_age(int64_t now_s, int64_t then_s, char out[static DURATION_TEXT_SIZE])
{
    duration_format(now_s - then_s, out);
}

static void describe_record(const struct explanation *explanation, enum history_scope scope,
                            char out[static DESCRIPTION_SIZE])
{
    const struct client_facts *client = &explanation->facts.client;
    const struct history_fact *fact = &client->history[scope];
    char evidence[EVIDENCE_TEXT_SIZE], first[DURATION_TEXT_SIZE], last[DURATION_TEXT_SIZE];
    char hung_up[DURATION_TEXT_SIZE + 32] = "";
    double score;
    struct client_record record =
        history_weigh(fact, &explanation->config->client_class, client->now_s, &score);
    evidence_format(&record, evidence);
    format_age(client->now_s, fact->record.first_seen_s, first);
    format_age(client->now_s, fact->record.last_seen_s, last);
    if (record.hung_up_at_s != 0) {
        char age[DURATION_TEXT_SIZE];
        format_age(client->now_s, record.hung_up_at_s, age);
        snprintf(hung_up, sizeof(hung_up), ", hung up on %s ago", age);
    }
    snprintf(out, DESCRIPTION_SIZE,
             "%s; %.1f points against it; first seen %s ago, last %s ago%s", evidence, score,
             first, last, hung_up);
}

static void print_history(const struct explanation *explanation, enum history_scope scope)
{
    char key[CLIENT_KEY_TEXT_SIZE], description[DESCRIPTION_SIZE];
    const char *label = history_scope_name(scope);
    if (!client_keys_has(&explanation->keys, scope))
        return;
    client_key_format(&explanation->keys.of[scope], key);
    switch (explanation->facts.client.history[scope].state) {
    case HISTORY_MISSING:
        row_print(label, "%s: not known: %s", key,
                  explanation->is_asked ? explanation->redis_error.text
                                        : "there is no Redis, and daemons do not tell");
        break;
    case HISTORY_NONE:
        row_print(label, "%s: no record in Redis", key);
        break;
    case HISTORY_KNOWN:
        describe_record(explanation, scope, description);
        row_print(label, "%s: %s", key, description);
        break;
    }
}

static void print_list_entry(const struct explanation *explanation)
{
    const struct access_entry *entry = &explanation->access.entry;
    char left[DURATION_TEXT_SIZE], by[4 * ACCESS_BY_SIZE], note[4 * ACCESS_NOTE_SIZE];
    if (!explanation->access.is_listed)
        return;
    duration_format(explanation->access.seconds_left, left);
    escape_text(slice_from_string(entry->by), by, sizeof(by));
    escape_words(slice_from_string(entry->note), note, sizeof(note));
    row_print("list", "%s %s, %s more, by %s%s%s", access_kind_name(entry->kind), entry->key,
              left, by, note[0] ? ": " : "", note);
}

static void print_settings(const struct explanation *explanation)
{
    const struct client_facts *client = &explanation->facts.client;
    if (client->is_in_trusted_networks)
        row_print("settings", "in trusted.networks");
    if (network_list_contains(&explanation->config->allow, &explanation->address))
        row_print("settings", "in allow");
    if (client->is_own_address)
        row_print("settings", "an address of this host, trusted.own_addresses");
}

static void print_lists(const struct explanation *explanation)
{
    const struct rbl_plan *plan = explanation->config->rbl.plan;
    const struct explain_lists *lists = &explanation->lists;
    for (size_t i = 0; i < lists->query_count; i++) {
        const struct explain_query *query = &lists->queries[i];
        const char *zone = plan->lists[plan->queries[i].list].zone;
        char subject[DNSBL_NAME_SIZE * 4], answer[sizeof(query->text) * 4];
        char left[DURATION_TEXT_SIZE];
        if (!query->subject[0])
            continue;
        escape_text(slice_from_string(query->subject), subject, sizeof(subject));
        escape_words(slice_from_string(query->text), answer, sizeof(answer));
        duration_format(query->seconds_left, left);
        if (query->is_remembered)
            row_print("dns list", "%s: %s %s: %s, for %s more", zone, subject,
                      explain_query_state(query), answer, left);
        else
            row_print("dns list", "%s: nobody asked for %s lately", zone, subject);
    }
}

static void print_address(const struct explanation *explanation, enum address_kind kind)
{
    const struct explain_recipient *recipient = &explanation->recipient;
    const struct verify_address *address = &recipient->facts.addresses[kind];
    const struct recipient_lifetimes *lifetimes = &explanation->config->verify.lifetimes;
    const char *label = kind == ADDRESS_SENDER ? "sender" : "recipient";
    char age[DURATION_TEXT_SIZE], reason[4 * RECIPIENT_TEXT_SIZE];
    int64_t now_s = recipient->facts.now_s;
    if (!recipient->is_asked[kind])
        return;
    if (!address->is_verified || !address->is_known) {
        row_print(label, "%s",
                  address->is_verified ? "not known: Redis does not answer"
                                       : "its domain is not verified");
        return;
    }
    enum recipient_status status = recipient_record_status(&address->record, lifetimes, now_s);
    duration_format(now_s - address->record.updated_s, age);
    escape_words(slice_from_string(address->record.text), reason, sizeof(reason));
    if (status == RECIPIENT_UNKNOWN)
        row_print(label, "nothing is known of it");
    else
        row_print(label, "%s, found %s ago%s%s%s", recipient_status_name(status), age,
                  recipient_record_is_due(&address->record, lifetimes, now_s)
                      ? ", to be verified again"
                      : "",
                  reason[0] ? ": " : "", reason);
}

static void print_recipient(const struct explanation *explanation)
{
    const struct explain_recipient *recipient = &explanation->recipient;
    const char *rule = verify_rule_name(recipient->verify.rule);
    char text[4 * VERIFY_REPLY_SIZE];
    print_address(explanation, ADDRESS_SENDER);
    print_address(explanation, ADDRESS_RECIPIENT);
    if (!recipient->is_asked[ADDRESS_RECIPIENT])
        return;
    escape_words(slice_from_string(recipient->verdict.text ? recipient->verdict.text : ""),
                 text, sizeof(text));
    if (recipient->verify.answer == VERIFY_DUNNO)
        row_print("answer", "none as to the addresses, rule=%s", rule);
    else if (recipient->verify.answer == VERIFY_ASK_POSTFIX)
        row_print("answer", "Postfix verifies them, rule=%s", rule);
    else
        row_print("answer", "%d %s, rule=%s", recipient->verdict.code, text, rule);
}

static void print_now(const struct explanation *explanation)
{
    char line[VERDICT_LOG_SIZE];
    if (explanation->is_pressure_assumed)
        row_print("pressure", "%.2f, as you said", explanation->facts.pressure.value);
    else if (explanation->is_pressure_published)
        row_print("pressure", "%.2f, as the %s published %.1f s ago",
                  explanation->facts.pressure.value,
                  publisher_name(explanation->view.state.publisher),
                  (double)explanation->published_age_ms / 1000);
    else
        row_print("pressure", "not known: no daemon of this host published one; taken as calm");
    verdict_log_format(&explanation->now, &explanation->facts, &explanation->address, line,
                       sizeof(line));
    row_print("now", "%s", line);
}

static void print_outlook(const struct explanation *explanation, enum level level)
{
    const struct outlook *outlook = &explanation->outlooks[level];
    const struct verdict *verdict = &outlook->verdict;
    const char *observed = verdict->is_observed ? " (only told: observe)" : "";
    char reply[512];
    escape_words(slice_from_string(outlook->text), reply, sizeof(reply));
    if (outlook->kind == OUTLOOK_IN)
        row_print(level_name(level), "let in, rule=%s", rule_name(verdict->rule));
    else if (outlook->kind == OUTLOOK_OUT)
        row_print(level_name(level), "hung up on, rule=%s: %d %s%s", rule_name(verdict->rule),
                  verdict->code, reply, observed);
    else
        row_print(level_name(level),
                  "let in up to %.2f of the slots, rule=%s ceiling=%.2f, above: %d %s%s",
                  outlook->ceiling, rule_name(verdict->rule), outlook->ceiling, verdict->code,
                  reply, observed);
}

void explain_text_print(const struct explanation *explanation)
{
    const struct classification *classification = &explanation->now.classification;
    row_print("class", "%s, reason=%s", client_class_name(classification->class),
              class_reason_name(classification->reason));
    for (enum history_scope scope = 0; scope < SCOPE_COUNT; scope++)
        print_history(explanation, scope);
    print_list_entry(explanation);
    print_settings(explanation);
    print_lists(explanation);
    print_now(explanation);
    print_recipient(explanation);
    for (enum level level = 0; level < LEVEL_COUNT; level++)
        print_outlook(explanation, level);
}
