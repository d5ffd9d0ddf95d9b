#include "view/rbl_view.h"

#include "common/escape.h"
#include "common/memory.h"
#include "common/number.h"
#include "common/redis_keys.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX   512
#define ESCAPED_SIZE 1024
#define COMMAND_SIZE (RBL_LISTS_MAX * (REDIS_KEY_SIZE + 64))

struct question {
    const struct rbl_plan *plan;
    json_t *root;
    struct rbl_value *value;
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
    struct question *question = context;
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
    struct question *question = context;
    struct redis_field fields[FIELDS_MAX];
    json_t *numbers = json_object();
    size_t count = redis_reply_read_fields(reply, fields, FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        char name[ESCAPED_SIZE];
        int64_t number;
        if (slice_copy_string(fields[i].name, name, sizeof(name)) &&
            number_parse(fields[i].value, INT64_MAX, &number) &&
            rbl_value_add(question->value, question->plan, index, name, (uint64_t)number))
            json_object_set_new(numbers, name, json_integer((json_int_t)number));
    }
    json_object_set_new(question->root, question->plan->lists[index].zone, numbers);
}

typedef void zone_key(struct redis_key *key_r, const char *prefix, const char *zone);

static bool ask(struct question *question, struct redis_session *session, zone_key *key_of,
                redis_session_callback *callback, struct error *error)
{
    char *buffer = memory_allocate(COMMAND_SIZE, 1);
    struct redis_command command = {buffer, 0, COMMAND_SIZE, false};
    size_t count = question->plan->list_count;
    for (size_t i = 0; i < count; i++) {
        struct redis_key key;
        key_of(&key, session->prefix, question->plan->lists[i].zone);
        redis_command_read_hash(&command, redis_key_slice(&key));
    }
    bool is_answered =
        count == 0 || redis_session_ask(session, &command, count, callback, question, error);
    free(buffer);
    return is_answered;
}

json_t *rbl_view_health(const struct rbl_plan *plan, struct redis_session *session,
                        struct error *error)
{
    struct question question = {plan, json_object(), NULL};
    if (ask(&question, session, redis_key_rbl_health, take_health, error))
        return question.root;
    json_decref(question.root);
    return NULL;
}

json_t *rbl_view_value(const struct rbl_plan *plan, struct redis_session *session,
                       struct rbl_value *value_r, struct error *error)
{
    struct rbl_value *value = memory_allocate(1, sizeof(*value));
    struct question question = {plan, json_object(), value};
    bool is_answered = ask(&question, session, redis_key_rbl_value, take_value, error);
    if (is_answered && value_r)
        *value_r = *value;
    free(value);
    if (is_answered)
        return question.root;
    json_decref(question.root);
    return NULL;
}
