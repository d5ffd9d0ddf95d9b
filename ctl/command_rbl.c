/* postvalvectl rbl: how the DNS lists are, as each host says; rbl report: what they are worth.
 */
#include "common/config.h"
#include "common/escape.h"
#include "common/memory.h"
#include "common/number.h"
#include "common/rbl_value.h"
#include "common/redis_keys.h"
#include "ctl/commands.h"
#include "ctl/redis_session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define FIELDS_MAX   512
#define ESCAPED_SIZE 1024
#define COMMAND_SIZE (RBL_LISTS_MAX * (REDIS_KEY_SIZE + 64))

struct rbl_question {
    const struct rbl_plan *plan;
    json_t *root; /* what is printed with --json; the text is made of it as well */
    struct rbl_value value;
};

/* "state=on lookups=12", a host's word, as an object. */
static json_t *describe_host(struct slice text)
{
    char words[ESCAPED_SIZE];
    json_t *object = json_object();
    escape_words(text, words, sizeof(words));
    for (char *word = words, *end; *word; word = end) {
        word += strspn(word, " ");
        end = word + strcspn(word, " ");
        char *equals = memchr(word, '=', (size_t)(end - word));
        if (equals)
            json_object_setn_new(object, word, (size_t)(equals - word),
                                 json_stringn(equals + 1, (size_t)(end - equals - 1)));
    }
    return object;
}

static void take_health(void *context, size_t index, const struct redis_reply *reply)
{
    struct rbl_question *question = context;
    struct redis_field fields[FIELDS_MAX];
    json_t *hosts = json_object();
    size_t count = redis_reply_read_fields(reply, fields, FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        char host[ESCAPED_SIZE];
        escape_text(fields[i].name, host, sizeof(host));
        json_object_set_new(hosts, host, describe_host(fields[i].value));
    }
    json_object_set_new(question->root, question->plan->lists[index].zone, hosts);
}

static void take_value(void *context, size_t index, const struct redis_reply *reply)
{
    struct rbl_question *question = context;
    struct redis_field fields[FIELDS_MAX];
    json_t *numbers = json_object();
    size_t count = redis_reply_read_fields(reply, fields, FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        char name[ESCAPED_SIZE];
        int64_t number;
        if (slice_copy_string(fields[i].name, name, sizeof(name)) &&
            number_parse(fields[i].value, INT64_MAX, &number) &&
            rbl_value_add(&question->value, question->plan, index, name, (uint64_t)number))
            json_object_set_new(numbers, name, json_integer((json_int_t)number));
    }
    json_object_set_new(question->root, question->plan->lists[index].zone, numbers);
}

static bool ask(struct rbl_question *question, const struct config *config, bool is_report,
                struct error *error)
{
    struct redis_session session;
    size_t count = question->plan->list_count;
    char *buffer = memory_allocate(COMMAND_SIZE, 1);
    struct redis_command command = {buffer, 0, COMMAND_SIZE, false};
    bool is_answered = redis_session_open(&session, &config->redis, REDIS_USE_READ, error);
    for (size_t i = 0; i < count && is_answered; i++) {
        struct redis_key key;
        const char *zone = question->plan->lists[i].zone;
        if (is_report)
            redis_key_rbl_value(&key, session.prefix, zone);
        else
            redis_key_rbl_health(&key, session.prefix, zone);
        redis_command_read_hash(&command, redis_key_slice(&key));
    }
    if (is_answered && count > 0)
        is_answered = redis_session_ask(&session, &command, count,
                                        is_report ? take_value : take_health, question, error);
    redis_session_close(&session);
    free(buffer);
    return is_answered;
}

static void print_health(const json_t *root)
{
    const char *zone, *host, *name;
    json_t *hosts, *words, *value;
    json_object_foreach((json_t *)root, zone, hosts)
    {
        printf("%s%s\n", zone, json_object_size(hosts) == 0 ? ": no host says how it is" : "");
        json_object_foreach(hosts, host, words)
        {
            printf("  %s:", host);
            json_object_foreach(words, name, value)
                printf(" %s=%s", name, json_string_value(value));
            putchar('\n');
        }
    }
}

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static void print(const struct rbl_question *question, bool is_report, bool is_json)
{
    if (is_json) {
        json_dumpf(question->root, stdout, JSON_INDENT(4));
        putchar('\n');
    } else if (question->plan->list_count == 0) {
        puts("no DNS lists are configured (rbl.checks)");
    } else if (is_report) {
        rbl_value_report(&question->value, question->plan, print_line, NULL);
    } else {
        print_health(question->root);
    }
}

int command_rbl(struct arguments *arguments)
{
    bool is_json = false;
    const struct argument_option options[] = {
        {"--json", &is_json, NULL},
        {NULL,     NULL,     NULL},
    };
    if (!arguments_parse(arguments, options, false))
        return command_usage_error("rbl");
    bool is_report = arguments->count == 1 && strcmp(arguments->values[0], "report") == 0;
    if (arguments->count > 0 && !is_report)
        return command_usage_error("rbl");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    struct rbl_question *question = memory_allocate(1, sizeof(*question));
    struct error error;
    question->plan = config->rbl.plan;
    question->root = json_object();
    bool is_answered = ask(question, config, is_report, &error);
    if (is_answered)
        print(question, is_report, is_json);
    json_decref(question->root);
    free(question);
    config_free(config);
    return is_answered ? EX_OK : command_failed(&error);
}
