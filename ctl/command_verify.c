/* postvalvectl verify: what is remembered of an address, and to forget it. */
#include "common/duration.h"
#include "common/escape.h"
#include "common/verify_settings.h"
#include "ctl/commands.h"
#include "ctl/target.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct verify_question {
    struct redis_session session;
    const struct verify_settings *settings;
    const char *address;
    enum address_kind kind;
    bool is_json;
    struct redis_key key;
    struct recipient_record record;
    char before[32]; /* status before it was forgotten */
};

static bool set_key(struct verify_question *question, const struct config *config,
                    struct error *error)
{
    const struct recipient_address_settings form = verify_address_settings(&config->verify);
    struct recipient_address address;
    struct recipient_hash hash;
    question->settings = &config->verify;
    if (!recipient_address_parse(&address, slice_from_string(question->address), &form))
        return error_set(error, "'%.100s' is not an address", question->address);
    if (!config->verify.is_readable && config->verify.key_file[0] == '\0')
        return error_set(error, "verify.key_file is not set: no address is remembered");
    verify_key(&config->verify, config->redis.prefix, question->kind, &address, &question->key,
               &hash);
    return true;
}

/* -- show --------------------------------------------------------------------------------- */

static void take_record(void *context, size_t index, const struct redis_reply *reply)
{
    struct verify_question *question = context;
    struct redis_field fields[16];
    size_t count = redis_reply_read_fields(reply, fields, sizeof(fields) / sizeof(fields[0]));
    (void)index;
    for (size_t i = 0; i < count; i++)
        recipient_record_set_field(&question->record, fields[i].name, fields[i].value);
}

static void print_time(const char *label, int64_t time_s, int64_t now_s)
{
    char ago[DURATION_TEXT_SIZE], when[TARGET_TIME_SIZE];
    if (time_s == 0)
        return;
    duration_format(now_s > time_s ? now_s - time_s : 0, ago);
    target_format_time(time_s - now_s, when);
    printf("%-9s %s ago, %s\n", label, ago, when);
}

static void print_record(const struct verify_question *question, int64_t now_s)
{
    const struct recipient_record *record = &question->record;
    enum recipient_status status =
        recipient_record_status(record, &question->settings->lifetimes, now_s);
    bool is_due = recipient_record_is_due(record, &question->settings->lifetimes, now_s);
    char text[4 * RECIPIENT_TEXT_SIZE];
    printf("%-9s %s\n", "key", question->key.text);
    printf("%-9s %s%s\n", "status", recipient_status_name(status),
           (status == RECIPIENT_DELIVERABLE || status == RECIPIENT_UNDELIVERABLE) && is_due
               ? ", to be verified again"
               : "");
    print_time("updated", record->updated_s, now_s);
    print_time("probed", record->probed_s, now_s);
    print_time("asked", record->asked_s, now_s);
    escape_words(slice_from_string(record->text), text, sizeof(text));
    if (text[0])
        printf("%-9s %s\n", "reason", text);
}

static void print_record_json(const struct verify_question *question, int64_t now_s)
{
    const struct recipient_record *record = &question->record;
    enum recipient_status status =
        recipient_record_status(record, &question->settings->lifetimes, now_s);
    command_print_json(json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:s}", "key", question->key.text, "status",
        recipient_status_name(status), "is_due",
        recipient_record_is_due(record, &question->settings->lifetimes, now_s), "updated",
        (json_int_t)record->updated_s, "probed", (json_int_t)record->probed_s, "asked",
        (json_int_t)record->asked_s, "reason", record->text));
}

static bool show(struct verify_question *question, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_read_hash(&command, redis_key_slice(&question->key));
    if (!redis_session_ask(&question->session, &command, 1, take_record, question, error))
        return false;
    if (question->is_json)
        print_record_json(question, time(NULL));
    else
        print_record(question, time(NULL));
    return true;
}

/* -- forget ------------------------------------------------------------------------------- */

static void take_status(void *context, size_t index, const struct redis_reply *reply)
{
    struct verify_question *question = context;
    (void)index;
    slice_copy_string(reply->text, question->before, sizeof(question->before));
}

static bool forget(struct verify_question *question, struct error *error)
{
    char buffer[RECIPIENT_COMMAND_SIZE], how_long[DURATION_TEXT_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    const struct recipient_lifetimes *lifetimes = &question->settings->lifetimes;
    recipient_forget_command(&command, redis_key_slice(&question->key), lifetimes);
    if (!redis_session_ask(&question->session, &command, 1, take_status, question, error))
        return false;
    duration_format(lifetimes->negative_expire_s, how_long);
    printf("it was %s and is forgotten", question->before);
    if (strcmp(question->before, recipient_status_name(RECIPIENT_DELIVERABLE)) == 0)
        puts("");
    else
        printf(
            ";\nmail for it is accepted without verification for %s, as long as Postfix's own\n"
            "caches may have it as undeliverable\n",
            how_long);
    return true;
}

static const struct action_row {
    const char *name;
    enum redis_use use;
    bool (*work)(struct verify_question *question, struct error *error);
} action_table[] = {
    {"show",   REDIS_USE_READ,  show  },
    {"forget", REDIS_USE_WRITE, forget},
};

static const struct action_row *find_action(const struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof(action_table) / sizeof(action_table[0]); i++)
        if (arguments->count == 2 && strcmp(arguments->values[0], action_table[i].name) == 0)
            return &action_table[i];
    return NULL;
}

int command_verify(struct arguments *arguments)
{
    struct verify_question question = {.kind = ADDRESS_RECIPIENT};
    bool is_sender = false;
    const struct argument_option options[] = {
        {"--json",   &question.is_json, NULL},
        {"--sender", &is_sender,        NULL},
        {NULL,       NULL,              NULL},
    };
    if (!arguments_parse(arguments, options, false))
        return command_usage_error("verify");
    const struct action_row *action = find_action(arguments);
    if (!action)
        return command_usage_error("verify");
    question.address = arguments->values[1];
    question.kind = is_sender ? ADDRESS_SENDER : ADDRESS_RECIPIENT;
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct error error;
    bool is_done = set_key(&question, config, &error);
    if (is_done) {
        is_done = redis_session_open(&question.session, &config->redis, action->use, &error) &&
                  action->work(&question, &error);
        redis_session_close(&question.session);
    }
    config_free(config);
    return is_done ? EX_OK : command_failed(&error);
}
