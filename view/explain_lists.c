#include "view/explain_lists.h"

#include "common/rbl_settings.h"

/* -- asking ------------------------------------------------------------------------------- */

static void set_session(struct explain_lists *lists, const struct explain_subjects *subjects)
{
    struct rbl_session *session = &lists->session;
    address_format(subjects->address, lists->client_address);
    hostname_get(lists->config->host, lists->server_name);
    *session = (struct rbl_session){
        .client_address = slice_from_string(lists->client_address),
        .client_name = slice_from_string(subjects->name[0] ? subjects->name : "unknown"),
        .reverse_client_name =
            slice_from_string(subjects->name[0] ? subjects->name : "unknown"),
        .helo_name = slice_from_string(subjects->helo ? subjects->helo : ""),
        .sender = slice_from_string(subjects->sender ? subjects->sender : ""),
        .recipient = slice_from_string(subjects->recipient ? subjects->recipient : ""),
        .has_sender = subjects->sender != NULL,
        .has_recipient = subjects->recipient != NULL,
        .server_name = slice_from_string(lists->server_name),
    };
}

static void set_subject(struct explain_lists *lists, size_t index)
{
    const struct rbl_plan *plan = lists->config->rbl.plan;
    enum rbl_subject kind = plan->queries[index].subject;
    struct slice zone = rbl_plan_zone(plan, index);
    char name[DNSBL_NAME_SIZE];
    if (!rbl_session_query_name(&lists->session, kind, zone, name))
        return;
    struct slice subject =
        rbl_session_key_subject(&lists->session, kind, slice_from_string(name), zone);
    slice_copy_string(subject, lists->queries[index].subject,
                      sizeof(lists->queries[index].subject));
}

/* Two replies for each query that was asked: the answer, and for how long. */
static void take_answer(void *context, size_t index, const struct redis_reply *reply)
{
    struct explain_lists *lists = context;
    size_t query = 0;
    for (size_t asked = index / 2; query < lists->query_count; query++)
        if (lists->queries[query].subject[0] && asked-- == 0)
            break;
    if (query == lists->query_count)
        return;
    struct explain_query *answered = &lists->queries[query];
    struct slice reason;
    bool has_reason;
    if (index % 2 == 1)
        answered->seconds_left = reply->integer > 0 ? reply->integer : 0;
    else
        answered->is_remembered =
            rbl_answer_parse(reply->text, &answered->answer, &reason, &has_reason) &&
            slice_copy_string(reply->text, answered->text, sizeof(answered->text));
}

static void add_query(struct redis_command *command, const char *prefix, const char *zone,
                      const char *subject)
{
    struct redis_key key;
    redis_key_rbl(&key, prefix, zone, subject);
    redis_command_read_text(command, redis_key_slice(&key));
    redis_command_begin(command, 2);
    redis_command_add(command, SLICE_LITERAL("TTL"));
    redis_command_add(command, redis_key_slice(&key));
}

static bool ask(struct explain_lists *lists, struct redis_session *session, struct error *error)
{
    char buffer[RBL_QUERIES_MAX * 2 * (REDIS_KEY_SIZE + 64)];
    struct redis_command command = REDIS_COMMAND(buffer);
    const struct rbl_plan *plan = lists->config->rbl.plan;
    size_t count = 0;
    for (size_t i = 0; i < plan->query_count; i++) {
        if (!lists->queries[i].subject[0])
            continue;
        add_query(&command, session->prefix, plan->lists[plan->queries[i].list].zone,
                  lists->queries[i].subject);
        count += 2;
    }
    return count == 0 || redis_session_ask(session, &command, count, take_answer, lists, error);
}

bool explain_lists_read(struct explain_lists *lists, const struct config *config,
                        struct redis_session *session, const struct explain_subjects *subjects,
                        struct error *error)
{
    const struct rbl_plan *plan = config->rbl.plan;
    struct rbl_answer answers[RBL_QUERIES_MAX];
    *lists = (struct explain_lists){.config = config, .query_count = plan->query_count};
    set_session(lists, subjects);
    for (size_t i = 0; i < plan->query_count; i++)
        set_subject(lists, i);
    bool is_read = ask(lists, session, error);
    for (size_t i = 0; i < plan->query_count; i++)
        answers[i] = lists->queries[i].is_remembered ? lists->queries[i].answer
                                                     : rbl_answer_failed(RBL_FAILURE_SKIPPED);
    lists->evaluation = rbl_evaluate(plan, answers);
    return is_read;
}

/* -- what follows ------------------------------------------------------------------------- */

/* The TXT record behind the answer that decided. */
static struct slice reason_of(const struct explain_lists *lists, const struct rbl_check *check)
{
    struct rbl_answer answer;
    struct slice reason = {NULL, 0};
    bool has_reason;
    const struct explain_query *query = &lists->queries[check->query];
    rbl_answer_parse(slice_from_string(query->text), &answer, &reason, &has_reason);
    return reason;
}

static void make_reply(struct explain_lists *lists, const struct rbl_check *check,
                       enum level level, struct rbl_facts *facts)
{
    const struct rbl_settings *settings = &lists->config->rbl;
    struct buffer scratch = BUFFER_WITH_MAXIMUM(RBL_REPLY_SCRATCH_MAX);
    struct rbl_attributes attributes;
    rbl_attributes_init(&attributes, &lists->session, check, (int)settings->code,
                        reason_of(lists, check));
    rbl_listing_reply(
        &lists->listings[level], settings,
        rbl_settings_template(settings, level, slice_from_string(check->argument)), &attributes,
        &scratch, facts);
    buffer_free(&scratch);
}

void explain_lists_apply(struct explain_lists *lists, enum level level, struct facts *facts)
{
    facts->client.is_rbl_permitted = lists->evaluation.outcome == RBL_OUTCOME_PERMITTED;
    facts->client.is_rbl_listed = lists->evaluation.outcome == RBL_OUTCOME_LISTED;
    if (!facts->client.is_rbl_listed)
        return;
    const struct rbl_settings *settings = &lists->config->rbl;
    const struct rbl_check *check = &settings->plan->checks[lists->evaluation.check];
    facts->rbl = (struct rbl_facts){.check = check->argument};
    if (settings->action == RBL_ACTION_POSTFIX)
        rbl_listing_leave_to_postfix(&lists->listings[level], settings, check, &facts->rbl);
    else
        make_reply(lists, check, level, &facts->rbl);
}

const char *explain_query_state(const struct explain_query *query)
{
    if (!query->is_remembered)
        return "not-remembered";
    switch (query->answer.state) {
    case RBL_LISTED:
        return "listed";
    case RBL_NOT_LISTED:
        return "not-listed";
    default:
        return "unknown";
    }
}
