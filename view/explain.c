#include "view/explain.h"

#include "common/memory.h"
#include "view/redis_session.h"
#include "common/reply_text.h"
#include "host/clock.h"
#include "host/own_addresses.h"
#include "redis/access_memory.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMAND_SIZE 4096
#define SLOTS_FULL   1000.0 /* more than any ceiling */

/* -- facts -------------------------------------------------------------------------------- */

static void take_history(void *context, size_t index, const struct redis_reply *reply)
{
    struct explanation *explanation = context;
    struct history_fact *facts = explanation->facts.client.history;
    size_t scope = 0;
    while (scope < SCOPE_COUNT &&
           (!client_keys_has(&explanation->keys, (enum history_scope)scope) || index-- > 0))
        scope++;
    if (scope < SCOPE_COUNT)
        facts[scope].state = redis_reply_read_client(reply, &facts[scope].record);
}

static bool read_history(struct explanation *explanation, struct redis_session *session,
                         struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    size_t count = 0;
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        struct redis_key key;
        if (!client_keys_has(&explanation->keys, (enum history_scope)scope))
            continue;
        redis_key_client(&key, session->prefix, &explanation->keys.of[scope]);
        redis_command_read_hash(&command, redis_key_slice(&key));
        count++;
    }
    return redis_session_ask(session, &command, count, take_history, explanation, error);
}

static void take_access(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    access_memory_take(context, reply, 0);
}

static bool read_access(struct explanation *explanation, struct redis_session *session,
                        struct error *error)
{
    char buffer[ACCESS_MEMORY_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct access_memory memory = {.redis_s = 0};
    access_memory_ask(&memory, session->prefix, &command);
    bool is_read = redis_session_ask(session, &command, 1, take_access, &memory, error);
    const struct access_entry *entry =
        access_list_find(&memory.list, &explanation->address, memory.redis_s);
    if (entry) {
        explanation->access.is_listed = true;
        explanation->access.entry = *entry;
        explanation->access.seconds_left = entry->until_s - memory.redis_s;
        access_list_tell(&memory.list, &explanation->address, memory.redis_s,
                         &explanation->facts.client);
    }
    access_memory_free(&memory);
    return is_read;
}

static void ask_redis(struct explanation *explanation, struct redis_session *session,
                      const struct explain_question *question)
{
    const struct explain_subjects subjects = {.address = &explanation->address,
                                              .name = question->name,
                                              .sender = question->sender,
                                              .recipient = question->recipient};

    struct error *error = &explanation->redis_error;
    char host[HOSTNAME_SIZE];
    hostname_get(explanation->config->host, host);
    explanation->is_asked = true;
    explanation->is_answered =
        read_history(explanation, session, error) && read_access(explanation, session, error) &&
        host_view_read(&explanation->view, session, host, error) &&
        explain_lists_read(&explanation->lists, explanation->config, session, &subjects, error);
}

static void set_client(struct explanation *explanation)
{
    const struct config *config = explanation->config;
    const struct address *address = &explanation->address;
    struct own_addresses *own = own_addresses_create();
    struct client_facts *client = &explanation->facts.client;
    client->has_address = true;
    client->is_in_trusted_networks = network_list_contains(&config->trusted_networks, address);
    client->is_allowed = network_list_contains(&config->allow, address);
    client->is_own_address = config->is_own_address_trusted &&
                             own_addresses_contain(own, address, clock_monotonic_ms());
    client->now_s = clock_wall_s();
    own_addresses_free(own);
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        client->history[scope].state =
            client_keys_has(&explanation->keys, (enum history_scope)scope) ? HISTORY_MISSING
                                                                           : HISTORY_NONE;
}

/* -- the moment --------------------------------------------------------------------------- */

static void assume_pressure(struct facts *facts, const struct config *config, double pressure)
{
    facts->pressure = (struct pressure){
        .is_known = true, .slots = pressure, .value = pressure, .driver = SENSOR_SLOTS};
    facts->level = level_of_pressure(&config->services.items[0].level, pressure, false);
}

static void take_published(struct explanation *explanation)
{
    const struct host_view *view = &explanation->view;
    const struct service_state *service = &view->state.services[0];
    struct facts *facts = &explanation->facts;
    explanation->is_pressure_published = true;
    explanation->published_age_ms = view->now_ms - view->state.renewed_ms;
    facts->level = service->level;
    facts->is_level_forced = service->level_source == LEVEL_BY_OVERRIDE;
    facts->is_switched_off = view->state.is_off;
    facts->pressure = (struct pressure){
        .is_known = service->busy >= 0 && service->slot_limit > 0,
        .value = service->pressure > 0 ? service->pressure : 0,
        .busy = service->busy > 0 ? service->busy : 0,
        .waiting = service->waiting > 0 ? service->waiting : 0,
        .slot_limit = service->slot_limit > 0 ? service->slot_limit : 0,
        .is_postfix_stressed = service->is_postfix_stressed,
        .driver = service->driver,
    };
    if (facts->pressure.is_known)
        facts->pressure.slots = (double)service->busy / service->slot_limit;
}

/* -- what follows ------------------------------------------------------------------------- */

/* The verdict's text is expanded, and in the outlook. */
static void set_outlook(struct explanation *explanation, const struct reply_subject *subject,
                        const struct decide_settings *settings, enum level level)
{
    struct outlook *outlook = &explanation->outlooks[level];
    struct facts assumed = explanation->facts;
    struct buffer text = REPLY_TEXT_BUFFER;
    explain_lists_apply(&explanation->lists, level, &assumed);
    assumed.level = level;
    assumed.is_level_forced = true;
    assumed.pressure = (struct pressure){.is_known = true, .slots = SLOTS_FULL};
    outlook->verdict = decide(&assumed, settings);
    assumed.pressure.slots = 0;
    struct verdict empty = decide(&assumed, settings);
    if (outlook->verdict.code == 0)
        outlook->kind = OUTLOOK_IN;
    else
        outlook->kind = empty.code == 0 ? OUTLOOK_BELOW_CEILING : OUTLOOK_OUT;
    outlook->ceiling = outlook->verdict.ceiling;
    reply_text_expand(settings->reply, subject, &outlook->verdict, &text);
    if (outlook->verdict.code != 0)
        snprintf(outlook->text, sizeof(outlook->text), "%s", outlook->verdict.text);
    outlook->verdict.text = outlook->text;
    buffer_free(&text);
}

void explain_gather(struct explanation *explanation, const struct config *config,
                    struct redis_session *session, const struct explain_question *question)
{
    *explanation = (struct explanation){.config = config, .address = question->address};
    struct facts *facts = &explanation->facts;
    const struct reply_subject subject = {&question->address,
                                          slice_from_string(question->name)};
    struct decide_settings settings = {
        .admission = &config->admission,
        .level = &config->services.items[0].level,
        .client_class = &config->client_class,
        .reply = &config->reply,
    };
    client_keys_get(&question->address, slice_from_string(question->name), NULL,
                    &explanation->keys);
    facts->front = FRONT_POLICY;
    facts->stage = question->recipient ? STAGE_RCPT : STAGE_CONNECT;
    set_client(explanation);
    if (session)
        ask_redis(explanation, session, question);
    if (!explain_recipient_read(&explanation->recipient, config, session, question->sender,
                                question->recipient, &explanation->redis_error))
        explanation->is_answered = false;
    explanation->is_pressure_assumed = question->pressure >= 0;
    if (explanation->is_pressure_assumed)
        assume_pressure(facts, config, question->pressure);
    else if (explanation->view.is_published)
        take_published(explanation);
    explain_lists_apply(&explanation->lists, decide_level(facts, settings.level), facts);
    explanation->now = decide(facts, &settings);
    explain_recipient_decide(&explanation->recipient, config, &explanation->now,
                             facts->is_switched_off || config->admission.mode != MODE_ENFORCE);
    for (enum level level = 0; level < LEVEL_COUNT; level++)
        set_outlook(explanation, &subject, &settings, level);
}
