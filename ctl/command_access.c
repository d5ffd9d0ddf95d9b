/* postvalvectl allow, block, list, forget: who is let in and who is kept out, on all hosts. */
#include "common/access_list.h"
#include "common/duration.h"
#include "common/escape.h"
#include "common/level_event.h"
#include "common/memory.h"
#include "common/registered_domain.h"
#include "ctl/commands.h"
#include "view/redis_session.h"
#include "ctl/target.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SECONDS_DEFAULT (7 * 86400)
#define COMMAND_SIZE    8192
#define ESCAPED_SIZE    (4 * ACCESS_NOTE_SIZE)

struct access_question {
    struct redis_session session;
    const struct config *config;
    struct access_order order;
    char key[ACCESS_KEY_SIZE];
    int64_t now_s;
    bool is_changed;
    struct access_list list;
};

/* -- the list ----------------------------------------------------------------------------- */

static void take_list(void *context, size_t index, const struct redis_reply *reply)
{
    struct access_question *question = context;
    const struct redis_reply *now = redis_reply_item(reply, 0);
    const struct redis_reply *hash = redis_reply_item(reply, 2);
    (void)index;
    if (now)
        question->now_s = now->integer;
    if (!hash || hash->count == 0)
        return;
    struct redis_field *fields = memory_allocate(hash->count, sizeof(*fields));
    access_list_read(&question->list, fields,
                     redis_reply_read_fields(hash, fields, hash->count));
    free(fields);
}

static bool read_list(struct access_question *question, struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_access(&key, question->session.prefix);
    access_read_command(&command, redis_key_slice(&key), SLICE_LITERAL(""));
    return redis_session_ask(&question->session, &command, 1, take_list, question, error);
}

static void print_entry(const struct access_entry *entry, int64_t now_s)
{
    char left[DURATION_TEXT_SIZE], until[TARGET_TIME_SIZE], key[4 * ACCESS_KEY_SIZE];
    char by[ESCAPED_SIZE], note[ESCAPED_SIZE];
    duration_format(entry->until_s - now_s, left);
    target_format_time(entry->until_s - now_s, until);
    escape_text(slice_from_string(entry->key), key, sizeof(key));
    escape_text(slice_from_string(entry->by), by, sizeof(by));
    escape_words(slice_from_string(entry->note), note, sizeof(note));
    printf("%-6s %s, %s more, until %s, by %s%s%s\n", access_kind_name(entry->kind), key, left,
           until, by, note[0] ? ": " : "", note);
}

static json_t *entry_json(const struct access_entry *entry)
{
    char key[4 * ACCESS_KEY_SIZE], by[ESCAPED_SIZE], note[ESCAPED_SIZE];
    escape_text(slice_from_string(entry->key), key, sizeof(key));
    escape_text(slice_from_string(entry->by), by, sizeof(by));
    escape_words(slice_from_string(entry->note), note, sizeof(note));
    return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "key", key, "kind",
                     access_kind_name(entry->kind), "until", (json_int_t)entry->until_s, "set",
                     (json_int_t)entry->set_s, "by", by, "note", note);
}

static bool is_shown(const struct access_question *question, const struct access_entry *entry)
{
    return entry->kind != ACCESS_FORGET && access_entry_is_in_force(entry, question->now_s) &&
           (question->key[0] == '\0' || strcmp(question->key, entry->key) == 0);
}

static void print_list(const struct access_question *question)
{
    bool is_empty = true;
    for (size_t i = 0; i < question->list.count; i++) {
        if (!is_shown(question, &question->list.entries[i]))
            continue;
        print_entry(&question->list.entries[i], question->now_s);
        is_empty = false;
    }
    if (is_empty)
        puts("nothing is allowed or blocked");
}

static void print_list_json(const struct access_question *question)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < question->list.count; i++)
        if (is_shown(question, &question->list.entries[i]))
            json_array_append_new(entries, entry_json(&question->list.entries[i]));
    json_t *root =
        json_pack("{s:I, s:o}", "now", (json_int_t)question->now_s, "entries", entries);
    json_dumpf(root, stdout, JSON_INDENT(4));
    putchar('\n');
    json_decref(root);
}

/* -- changes ------------------------------------------------------------------------------ */

static void take_change(void *context, size_t index, const struct redis_reply *reply)
{
    struct access_question *question = context;
    const struct redis_reply *now = redis_reply_item(reply, 0);
    const struct redis_reply *changed = redis_reply_item(reply, 1);
    (void)index;
    if (now && changed) {
        question->now_s = now->integer;
        question->is_changed = changed->integer != 0;
    }
}

static bool change_list(struct access_question *question, struct error *error)
{
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    redis_key_access(&key, question->session.prefix);
    access_set_command(&command, redis_key_slice(&key), &question->order);
    return redis_session_ask(&question->session, &command, 1, take_change, question, error);
}

static bool announce(struct access_question *question, const char *action, struct error *error)
{
    char buffer[COMMAND_SIZE], until[24] = "";
    struct redis_command command = REDIS_COMMAND(buffer);
    const struct access_order *order = &question->order;
    if (order->kind != ACCESS_FORGET)
        snprintf(until, sizeof(until), "%" PRId64, question->now_s + order->seconds);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("action"), slice_from_string(action)},
        {SLICE_LITERAL("key"), order->key},
        {SLICE_LITERAL("until"), slice_from_string(until)},
        {SLICE_LITERAL("by"), order->by},
        {SLICE_LITERAL("note"), order->note},
    };
    event_command(&command, question->session.prefix, "access", fields,
                  sizeof(fields) / sizeof(fields[0]));
    return redis_session_ask(&question->session, &command, 1, NULL, NULL, error);
}

static bool set_entry(struct access_question *question, struct error *error)
{
    if (!change_list(question, error) ||
        !announce(question, access_kind_name(question->order.kind), error) ||
        !read_list(question, error))
        return false;
    print_list(question);
    return true;
}

static void take_deleted(void *context, size_t index, const struct redis_reply *reply)
{
    (void)index;
    *(bool *)context = reply->integer > 0;
}

/* False: no key that history is kept under. A host name stands for its registered domain. */
static bool history_key_of(struct slice text, struct client_key *key_r)
{
    if (!client_key_parse(text, key_r))
        return false;
    if (key_r->kind == CLIENT_KEY_DOMAIN)
        *key_r = client_key_from_domain(registered_domain_find(text));
    return key_r->kind != CLIENT_KEY_NONE;
}

/* The record, if there can be one under the key, and the entry. Daemons first, so that none
 * writes its own back; is_entry_only: the record stays. */
static bool forget(struct access_question *question, bool is_entry_only, struct error *error)
{
    struct client_key client;
    struct redis_key key;
    char buffer[COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    bool is_record_gone = false;
    bool is_client = !is_entry_only && history_key_of(question->order.key, &client);
    question->order.seconds = is_client ? ACCESS_FORGET_S : 0;
    if (!change_list(question, error))
        return false;
    if (is_client) {
        redis_key_client(&key, question->session.prefix, &client);
        redis_command_begin(&command, 2);
        redis_command_add(&command, SLICE_LITERAL("DEL"));
        redis_command_add(&command, redis_key_slice(&key));
        if (!redis_session_ask(&question->session, &command, 1, take_deleted, &is_record_gone,
                               error))
            return false;
    }
    if (question->is_changed || is_record_gone) {
        if (!announce(question, "forget", error))
            return false;
    }
    printf("%s: %s%s%s\n", question->key, is_record_gone ? "its record is forgotten" : "",
           is_record_gone && question->is_changed ? ", " : "",
           question->is_changed ? "it is neither allowed nor blocked any more"
           : is_record_gone     ? ""
                                : "nothing was known");
    return true;
}

/* -- the commands ------------------------------------------------------------------------- */

static int run(struct arguments *arguments, struct access_question *question,
               enum redis_use use, bool (*work)(struct access_question *, struct error *))
{
    struct config *config = command_load_config(arguments->config_file);
    char by[OVERRIDE_TEXT_SIZE], escaped_by[ACCESS_BY_SIZE];
    struct error error;
    if (!config)
        return EX_CONFIG;
    question->config = config;
    target_whoami(config, by);
    escape_text(slice_from_string(by), escaped_by, sizeof(escaped_by)); /* one word */
    question->order.by = slice_from_string(escaped_by);
    bool is_done = redis_session_open(&question->session, &config->redis, use, &error) &&
                   work(question, &error);
    redis_session_close(&question->session);
    access_list_free(&question->list);
    config_free(config);
    return is_done ? EX_OK : command_failed(&error);
}

static bool parse_network(struct access_question *question, const char *text)
{
    struct network network;
    if (!network_parse(slice_from_string(text), &network)) {
        fprintf(stderr,
                "%s: '%s' is not an address or a network (192.0.2.0/24, host bits zero)\n",
                ARGUMENTS_PROGRAM, text);
        return false;
    }
    access_key_format(&network, question->key);
    question->order.key = slice_from_string(question->key);
    return true;
}

static int run_entry(struct arguments *arguments, enum access_kind kind)
{
    const char *duration = NULL, *note = "", *name = access_kind_name(kind);
    struct access_question question = {.order = {.kind = kind, .seconds = SECONDS_DEFAULT}};
    const struct argument_option options[] = {
        {"--for", NULL, &duration},
        {"--note", NULL, &note},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 1 ||
        !parse_network(&question, arguments->values[0]))
        return command_usage_error(name);
    if (duration && !duration_parse(slice_from_string(duration), ACCESS_SECONDS_MAX,
                                    &question.order.seconds)) {
        fprintf(stderr, "%s: --for %s: a time is wanted, as 30s, 10m, 2h or 1d, at most 366d\n",
                ARGUMENTS_PROGRAM, duration);
        return command_usage_error(name);
    }
    question.order.note = slice_from_string(note);
    return run(arguments, &question, REDIS_USE_WRITE, set_entry);
}

int command_allow(struct arguments *arguments)
{
    return run_entry(arguments, ACCESS_ALLOW);
}

int command_block(struct arguments *arguments)
{
    return run_entry(arguments, ACCESS_BLOCK);
}

static bool show_list(struct access_question *question, struct error *error)
{
    if (!read_list(question, error))
        return false;
    print_list(question);
    return true;
}

static bool show_list_json(struct access_question *question, struct error *error)
{
    if (!read_list(question, error))
        return false;
    print_list_json(question);
    return true;
}

int command_list(struct arguments *arguments)
{
    bool is_json = false;
    struct access_question question = {.now_s = 0};
    const struct argument_option options[] = {
        {"--json", &is_json, NULL},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 0)
        return command_usage_error("list");
    return run(arguments, &question, REDIS_USE_READ, is_json ? show_list_json : show_list);
}

static bool forget_all(struct access_question *question, struct error *error)
{
    return forget(question, false, error);
}

static bool forget_entry(struct access_question *question, struct error *error)
{
    return forget(question, true, error);
}

/* To the form that the key has: of a network in the list, else of a client. */
static bool parse_key(struct access_question *question, const char *text)
{
    struct client_key client;
    struct network network;
    if (network_parse(slice_from_string(text), &network))
        access_key_format(&network, question->key);
    else if (history_key_of(slice_from_string(text), &client))
        client_key_format(&client, question->key);
    else
        return false;
    question->order.key = slice_from_string(question->key);
    return true;
}

int command_forget(struct arguments *arguments)
{
    bool is_entry_only = false;
    struct access_question question = {.order = {.kind = ACCESS_FORGET}};
    const struct argument_option options[] = {
        {"--entry", &is_entry_only, NULL},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count != 1)
        return command_usage_error("forget");
    if (!parse_key(&question, arguments->values[0])) {
        fprintf(stderr, "%s: '%s' is not an address, a network or a registered domain\n",
                ARGUMENTS_PROGRAM, arguments->values[0]);
        return EX_USAGE;
    }
    return run(arguments, &question, REDIS_USE_WRITE,
               is_entry_only ? forget_entry : forget_all);
}
