/* postvalvectl verify: what is remembered of an address, and to forget it; how often that was
 * of use. */
#include "common/counter_snapshot.h"
#include "common/duration.h"
#include "common/escape.h"
#include "common/memory.h"
#include "common/verify_settings.h"
#include "ctl/commands.h"
#include "ctl/target.h"
#include "host/hostname.h"
#include "view/metrics_view.h"
#include "view/redis_session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct verify_question {
    const struct config *config;
    const char *host; /* stats: of which; NULL: this one */
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

/* -- stats -------------------------------------------------------------------------------- */

/* What answers come to. */
static const struct sum_row {
    const char *name, *label;
    unsigned rules; /* 1 << enum verify_rule */
} sum_table[] = {
    {"from_memory", "answered from memory",
     1U << VERIFY_RULE_DELIVERABLE | 1U << VERIFY_RULE_UNDELIVERABLE |
         1U << VERIFY_RULE_FORGOTTEN},
    {"deferred_under_stress", "deferred under stress", 1U << VERIFY_RULE_STRESSED},
    {"deferred_without_probes", "deferred, no probes left", 1U << VERIFY_RULE_BUDGET},
    {"probes_saved", "probes saved, of these",
     1U << VERIFY_RULE_DELIVERABLE | 1U << VERIFY_RULE_UNDELIVERABLE |
         1U << VERIFY_RULE_FORGOTTEN | 1U << VERIFY_RULE_STRESSED | 1U << VERIFY_RULE_BUDGET},
    {"left_to_postfix", "left to Postfix to verify",
     1U << VERIFY_RULE_OFF | 1U << VERIFY_RULE_REFRESH | 1U << VERIFY_RULE_NO_ANSWER |
         1U << VERIFY_RULE_PROBE},
    {"hung_up", "hung up on", 1U << VERIFY_RULE_GUESSER},
    {"not_asked", "not verified (domain, postmaster, bounce)",
     1U << VERIFY_RULE_OTHER_DOMAIN | 1U << VERIFY_RULE_EXEMPT},
};

static int64_t sum_of(const struct counter_snapshot *snapshot, unsigned rules)
{
    int64_t sum = 0;
    for (int process = 0; process < COUNTER_PROCESS_COUNT; process++) {
        for (unsigned rule = 0; rule < VERIFY_RULE_COUNT; rule++) {
            const unsigned labels[COUNTER_LABELS_MAX] = {rule};
            if (rules & 1U << rule)
                sum += counter_get(&snapshot->sets[process], COUNTER_VERIFY_ANSWERS, labels);
        }
    }
    return sum;
}

static void print_stats(const struct counter_snapshot *snapshot, bool is_json)
{
    json_t *root = json_object();
    for (size_t i = 0; i < sizeof(sum_table) / sizeof(sum_table[0]); i++) {
        int64_t sum = sum_of(snapshot, sum_table[i].rules);
        json_object_set_new(root, sum_table[i].name, json_integer(sum));
        if (!is_json)
            printf("%-42s %lld\n", sum_table[i].label, (long long)sum);
    }
    if (is_json)
        command_print_json(root);
    else
        json_decref(root);
}

static bool stats(struct verify_question *question, struct error *error)
{
    char host[HOSTNAME_SIZE];
    struct counter_snapshot *snapshot = memory_allocate(1, sizeof(*snapshot));
    hostname_get(question->host ? question->host : question->config->host, host);
    bool is_read =
        metrics_view_read(&question->session, host, COUNTER_PROCESS_COUNT, snapshot, error);
    if (is_read)
        print_stats(snapshot, question->is_json);
    free(snapshot);
    return is_read;
}

/* -- the command -------------------------------------------------------------------------- */

static const struct action_row {
    const char *name;
    bool is_about_address;
    enum redis_use use;
    bool (*work)(struct verify_question *question, struct error *error);
} action_table[] = {
    {"show", true, REDIS_USE_READ, show},
    {"forget", true, REDIS_USE_WRITE, forget},
    {"stats", false, REDIS_USE_READ, stats},
};

static const struct action_row *find_action(const struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof(action_table) / sizeof(action_table[0]); i++)
        if (arguments->count == (action_table[i].is_about_address ? 2 : 1) &&
            strcmp(arguments->values[0], action_table[i].name) == 0)
            return &action_table[i];
    return NULL;
}

int command_verify(struct arguments *arguments)
{
    struct verify_question question = {.kind = ADDRESS_RECIPIENT};
    bool is_sender = false;
    const struct argument_option options[] = {
        {"--json", &question.is_json, NULL},
        {"--sender", &is_sender, NULL},
        {"--host", NULL, &question.host},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false))
        return command_usage_error("verify");
    const struct action_row *action = find_action(arguments);
    if (!action)
        return command_usage_error("verify");
    question.address = action->is_about_address ? arguments->values[1] : NULL;
    question.kind = is_sender ? ADDRESS_SENDER : ADDRESS_RECIPIENT;
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct error error;
    question.config = config;
    question.settings = &config->verify;
    bool is_done = !action->is_about_address || set_key(&question, config, &error);
    if (is_done) {
        is_done = redis_session_open(&question.session, &config->redis, action->use, &error) &&
                  action->work(&question, &error);
        redis_session_close(&question.session);
    }
    config_free(config);
    return is_done ? EX_OK : command_failed(&error);
}
