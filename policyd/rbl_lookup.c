#include "policyd/rbl_lookup.h"

#include "common/memory.h"
#include "common/rbl_plan.h"
#include "common/rbl_settings.h"
#include "common/rbl_template.h"
#include "host/clock.h"
#include "host/count.h"
#include "policyd/rbl_engine.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

/* One query of the plan, as far as its answer was not in memory. */
struct rbl_missing {
    struct rbl_waiter waiter;
    struct rbl_lookup *lookup;
    size_t query;
};

struct rbl_lookup {
    LIST_ENTRY(rbl_lookup) link;
    struct rbl_engine *engine;
    struct event timer;
    enum level level;
    rbl_lookup_callback *callback;
    void *context;
    bool is_new, is_known_good, is_over; /* over: at the deadline */
    size_t waiting;
    struct rbl_missing text; /* its query is the one that decides */
    struct rbl_missing *missing;
    struct rbl_answer *answers; /* by query of the plan */
    struct rbl_finding finding;
    /* what a text needs: the values of the session that names are made of, terminated */
    struct rbl_session session;
    char values[];
};

/* What a query asks for. */
struct question {
    char name[DNSBL_NAME_SIZE];
    char subject[DNSBL_NAME_SIZE];
    struct rbl_wanted wanted;
};

static bool make_question(const struct rbl_engine *engine, const struct rbl_session *session,
                          size_t query, enum rbl_fetch_kind kind, struct question *question_r)
{
    const struct rbl_plan *plan = engine->settings->plan;
    enum rbl_subject subject = plan->queries[query].subject;
    struct slice zone = rbl_plan_zone(plan, query);
    if (!rbl_session_query_name(session, subject, zone, question_r->name))
        return false;
    struct slice name = slice_from_string(question_r->name);
    slice_copy_string(rbl_session_key_subject(session, subject, name, zone),
                      question_r->subject, sizeof(question_r->subject));
    question_r->wanted = (struct rbl_wanted){
        .kind = kind,
        .list = plan->queries[query].list,
        .name = question_r->name,
        .subject = question_r->subject,
        .key = rbl_cache_key(engine->cache, name),
    };
    return true;
}

/* -- what the answers say ----------------------------------------------------------------- */

/* Answers of a list that is off do not count, wherever they came from. */
struct counted {
    struct rbl_answer answers[RBL_QUERIES_MAX];
};

/* The answers, or counted where some of them do not count. */
static const struct rbl_answer *select_counted(const struct rbl_engine *engine,
                                               const struct rbl_answer *answers,
                                               struct counted *counted)
{
    const struct rbl_plan *plan = engine->settings->plan;
    bool is_changed = false;
    for (size_t i = 0; i < plan->query_count; i++)
        is_changed = is_changed || !rbl_lists_count(engine->lists, plan->queries[i].list);
    for (size_t i = 0; i < plan->query_count && is_changed; i++)
        counted->answers[i] = rbl_lists_count(engine->lists, plan->queries[i].list)
                                  ? answers[i]
                                  : rbl_answer_failed(RBL_FAILURE_SKIPPED);
    return is_changed ? counted->answers : answers;
}

static struct rbl_evaluation evaluate(const struct rbl_engine *engine,
                                      const struct rbl_answer *answers)
{
    struct counted counted;
    return rbl_evaluate(engine->settings->plan, select_counted(engine, answers, &counted));
}

static uint32_t find_missing(const struct rbl_plan *plan, const struct rbl_answer *answers)
{
    uint32_t missing = 0;
    for (size_t i = 0; i < plan->query_count; i++)
        if (answers[i].state == RBL_PENDING)
            missing |= UINT32_C(1) << plan->queries[i].list;
    return missing;
}

static void conclude(const struct rbl_engine *engine, const struct rbl_answer *answers,
                     struct rbl_finding *finding)
{
    const struct rbl_plan *plan = engine->settings->plan;
    struct counted counted;
    const struct rbl_answer *selected = select_counted(engine, answers, &counted);
    finding->evaluation = rbl_evaluate(plan, selected);
    finding->involved = rbl_evaluate_lists(plan, selected);
    finding->missing = find_missing(plan, answers);
}

static bool needs_text(const struct rbl_engine *engine, enum level level,
                       const struct rbl_evaluation *evaluation)
{
    const struct rbl_settings *settings = engine->settings;
    if (evaluation->outcome != RBL_OUTCOME_LISTED || settings->action != RBL_ACTION_REPLY)
        return false;
    const struct rbl_check *check = &settings->plan->checks[evaluation->check];
    return rbl_template_needs_reason(
        rbl_settings_template(settings, level, slice_from_string(check->argument)));
}

static void take_text(struct rbl_finding *finding, struct slice text)
{
    finding->reason_length = text.length < RBL_TEXT_MAX ? text.length : RBL_TEXT_MAX;
    if (finding->reason_length > 0)
        memcpy(finding->reason, text.data, finding->reason_length);
}

/* -- a lookup that waits ------------------------------------------------------------------ */

static void on_text_answer(struct rbl_waiter *waiter, const struct rbl_answer *answer,
                           struct slice text, bool is_new);

static void end(struct rbl_lookup *lookup)
{
    const struct rbl_plan *plan = lookup->engine->settings->plan;
    for (size_t i = 0; i < plan->query_count; i++)
        rbl_waiter_leave(&lookup->missing[i].waiter);
    rbl_waiter_leave(&lookup->text.waiter);
    evtimer_del(&lookup->timer);
    LIST_REMOVE(lookup, link);
    free(lookup->missing);
    free(lookup->answers);
}

static void finish(struct rbl_lookup *lookup)
{
    struct rbl_finding *finding = &lookup->finding;
    conclude(lookup->engine, lookup->answers, finding);
    finding->is_new = lookup->is_new;
    end(lookup);
    lookup->callback(lookup->context, finding);
    free(lookup);
}

/* True: it waits for the text. */
static bool ask_text(struct rbl_lookup *lookup, const struct rbl_evaluation *evaluation)
{
    struct rbl_engine *engine = lookup->engine;
    struct question question;
    struct slice text;
    enum rbl_failure failure;
    size_t query = engine->settings->plan->checks[evaluation->check].query;
    if (lookup->text.waiter.fetch)
        return true;
    if (!make_question(engine, &lookup->session, query, RBL_FETCH_TEXT, &question))
        return false;
    if (rbl_cache_get_text(engine->cache, &question.wanted.key, clock_monotonic_ms(), &text)) {
        take_text(&lookup->finding, text);
        return false;
    }
    lookup->text.lookup = lookup;
    return rbl_fetch_join(engine->fetcher, &question.wanted, &lookup->text.waiter,
                          on_text_answer, &failure);
}

static void go_on(struct rbl_lookup *lookup)
{
    struct rbl_evaluation evaluation = evaluate(lookup->engine, lookup->answers);
    bool is_done = lookup->waiting == 0 || (evaluation.is_certain && evaluation.is_final);
    if (!is_done)
        return;
    if (needs_text(lookup->engine, lookup->level, &evaluation) && ask_text(lookup, &evaluation))
        return;
    finish(lookup);
}

static void on_answer(struct rbl_waiter *waiter, const struct rbl_answer *answer,
                      struct slice text, bool is_new)
{
    struct rbl_missing *missing = (struct rbl_missing *)waiter;
    struct rbl_lookup *lookup = missing->lookup;
    (void)text;
    lookup->answers[missing->query] = *answer;
    lookup->is_new = lookup->is_new || is_new;
    lookup->waiting--;
    go_on(lookup);
}

static void on_text_answer(struct rbl_waiter *waiter, const struct rbl_answer *answer,
                           struct slice text, bool is_new)
{
    struct rbl_lookup *lookup = ((struct rbl_missing *)waiter)->lookup;
    (void)answer;
    (void)is_new;
    take_text(&lookup->finding, text);
    finish(lookup);
}

static void on_deadline(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    finish(context);
}

/* -- the start ---------------------------------------------------------------------------- */

struct start {
    struct rbl_answer answers[RBL_QUERIES_MAX];
    uint64_t missing; /* queries by bit */
};
_Static_assert(RBL_QUERIES_MAX <= 64, "a bit a query");

static void look_into_memory(struct rbl_engine *engine, const struct rbl_session *session,
                             int64_t now_ms, struct start *start)
{
    const struct rbl_plan *plan = engine->settings->plan;
    struct question question;
    start->missing = 0;
    for (size_t i = 0; i < plan->query_count; i++) {
        start->answers[i] = rbl_answer_failed(RBL_FAILURE_SKIPPED);
        if (!make_question(engine, session, i, RBL_FETCH_ANSWER, &question))
            continue;
        if (rbl_cache_get(engine->cache, &question.wanted.key, now_ms, &start->answers[i])) {
            COUNT(RBL_ANSWER_SOURCES, RBL_SOURCE_MEMORY);
            continue;
        }
        start->answers[i].state = RBL_PENDING;
        start->missing |= UINT64_C(1) << i;
    }
}

static struct slice copy_value(struct slice value, char **end)
{
    struct slice copy = {*end, value.length};
    if (value.length > 0)
        memcpy(*end, value.data, value.length);
    *end += value.length;
    return copy;
}

static struct rbl_lookup *make_lookup(struct rbl_engine *engine,
                                      const struct rbl_session *session)
{
    struct slice *values[] = {NULL, NULL, NULL, NULL, NULL, NULL};
    size_t size = session->client_address.length + session->client_name.length +
                  session->reverse_client_name.length + session->helo_name.length +
                  session->sender.length + session->recipient.length;
    struct rbl_lookup *lookup = memory_allocate(1, sizeof(*lookup) + size);
    size_t queries = engine->settings->plan->query_count;
    char *copied = lookup->values;
    lookup->engine = engine;
    lookup->session = *session;
    lookup->session.client_port = lookup->session.server_name = lookup->session.localtime =
        (struct slice){NULL, 0};
    values[0] = &lookup->session.client_address;
    values[1] = &lookup->session.client_name;
    values[2] = &lookup->session.reverse_client_name;
    values[3] = &lookup->session.helo_name;
    values[4] = &lookup->session.sender;
    values[5] = &lookup->session.recipient;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        *values[i] = copy_value(*values[i], &copied);
    lookup->missing = memory_allocate(queries, sizeof(struct rbl_missing));
    lookup->answers = memory_allocate(queries, sizeof(struct rbl_answer));
    LIST_INSERT_HEAD(&engine->lookups, lookup, link);
    return lookup;
}

static void join(struct rbl_lookup *lookup, size_t query)
{
    struct question question;
    enum rbl_failure failure = RBL_FAILURE_SKIPPED; /* there is nothing to ask */
    struct rbl_missing *missing = &lookup->missing[query];
    missing->lookup = lookup;
    missing->query = query;
    if (make_question(lookup->engine, &lookup->session, query, RBL_FETCH_ANSWER, &question) &&
        rbl_fetch_join(lookup->engine->fetcher, &question.wanted, &missing->waiter, on_answer,
                       &failure))
        lookup->waiting++;
    else
        lookup->answers[query] = rbl_answer_failed(failure);
}

/* False: there is nothing to wait for. */
static bool begins_to_wait(struct rbl_lookup *lookup)
{
    struct rbl_evaluation evaluation = evaluate(lookup->engine, lookup->answers);
    if (lookup->waiting > 0 && !(evaluation.is_certain && evaluation.is_final))
        return true;
    return needs_text(lookup->engine, lookup->level, &evaluation) &&
           ask_text(lookup, &evaluation);
}

static void set_timer(struct rbl_lookup *lookup)
{
    int64_t deadline_ms = lookup->engine->settings->deadline_ms[lookup->level];
    const struct timeval deadline = {deadline_ms / 1000, deadline_ms % 1000 * 1000};
    evtimer_assign(&lookup->timer, lookup->engine->base, on_deadline, lookup);
    evtimer_add(&lookup->timer, &deadline);
}

/* Also what a list that is off says is of use, though not for this client. */
static bool wants_trial(const struct rbl_engine *engine, uint64_t missing, int64_t now_ms)
{
    const struct rbl_plan *plan = engine->settings->plan;
    for (size_t i = 0; i < plan->query_count; i++)
        if ((missing & UINT64_C(1) << i) &&
            rbl_lists_want_trial(engine->lists, plan->queries[i].list, now_ms))
            return true;
    return false;
}

struct rbl_lookup *rbl_lookup_start(struct rbl_engine *engine,
                                    const struct rbl_session *session, enum level level,
                                    int64_t now_ms, rbl_lookup_callback *callback,
                                    void *context, struct rbl_finding *finding_r)
{
    const struct rbl_plan *plan = engine->settings->plan;
    struct start start;
    rbl_lists_prepare(engine->lists, now_ms); /* is answered before what follows */
    look_into_memory(engine, session, now_ms, &start);
    finding_r->is_new = false;
    finding_r->reason_length = 0;
    conclude(engine, start.answers, finding_r);
    bool is_done = start.missing == 0 ||
                   (finding_r->evaluation.is_certain && finding_r->evaluation.is_final &&
                    !wants_trial(engine, start.missing, now_ms));
    if (is_done && !needs_text(engine, level, &finding_r->evaluation))
        return NULL;

    struct rbl_lookup *lookup = make_lookup(engine, session);
    lookup->level = level;
    lookup->callback = callback;
    lookup->context = context;
    memcpy(lookup->answers, start.answers, plan->query_count * sizeof(start.answers[0]));
    for (size_t i = 0; i < plan->query_count && !is_done; i++)
        if (start.missing & UINT64_C(1) << i)
            join(lookup, i);
    set_timer(lookup);
    if (begins_to_wait(lookup))
        return lookup;
    conclude(engine, lookup->answers, &lookup->finding);
    *finding_r = lookup->finding;
    end(lookup);
    free(lookup);
    return NULL;
}

void rbl_lookup_cancel(struct rbl_lookup *lookup)
{
    end(lookup);
    free(lookup);
}

void rbl_lookup_set_known_good(struct rbl_lookup *lookup)
{
    const struct rbl_plan *plan = lookup->engine->settings->plan;
    for (size_t i = 0; i < plan->query_count; i++)
        lookup->missing[i].waiter.is_known_good = true;
}

void rbl_lookup_finish_all(struct rbl_engine *engine)
{
    while (!LIST_EMPTY(&engine->lookups))
        finish(LIST_FIRST(&engine->lookups));
}

/* -- ahead -------------------------------------------------------------------------------- */

struct ahead {
    struct rbl_engine *engine;
    char address[ADDRESS_TEXT_SIZE];
};

static void on_ahead(void *context, const struct rbl_finding *finding)
{
    struct ahead *ahead = context;
    struct rbl_engine *engine = ahead->engine;
    engine->ahead_count--;
    if (finding->evaluation.outcome == RBL_OUTCOME_LISTED && engine->ahead_callback)
        engine->ahead_callback(engine->ahead_context, slice_from_string(ahead->address),
                               finding);
    free(ahead);
}

bool rbl_lookup_ahead(struct rbl_engine *engine, struct slice address, int64_t now_ms)
{
    struct rbl_session session = {.client_address = address};
    struct rbl_finding finding;
    if (rbl_engine_is_off(engine))
        return true;
    if (engine->ahead_count >= RBL_LOOKUPS_AHEAD_MAX)
        return false;
    struct ahead *ahead = memory_allocate(1, sizeof(*ahead));
    ahead->engine = engine;
    slice_copy_string(address, ahead->address, sizeof(ahead->address));
    if (rbl_lookup_start(engine, &session, LEVEL_CALM, now_ms, on_ahead, ahead, &finding))
        engine->ahead_count++;
    else
        free(ahead);
    return true;
}
