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
    escape_words(slice_from_string(verdict->text), reply, sizeof(reply));
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
    print_now(explanation);
    for (enum level level = 0; level < LEVEL_COUNT; level++)
        print_outlook(explanation, level);
}
