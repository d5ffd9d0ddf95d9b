#include "policyd/api.h"

#include "common/escape.h"
#include "common/http_request.h"
#include "common/number.h"
#include "config.h"
#include "host/clock.h"
#include "host/stress_monitor.h"
#include "view/counter_view.h"
#include "view/event_view.h"
#include "view/explain.h"
#include "view/history_view.h"
#include "view/host_view_json.h"
#include "view/rbl_view.h"
#include "view/top_sessions.h"

#include <stdio.h>
#include <string.h>

#define MINUTES_DEFAULT 60
#define EVENTS_DEFAULT  50
#define PRESSURE_MAX    99.0
#define PARAMETER_SIZE  280

const struct api_row api_table[] = {
    {"/api/", "this list", 1000, 0, api_index},
    {"/api/status", "level, pressure, slots, sessions, cluster: now", 500, 1, api_status},
    {"/api/history", "pressure and level over time: ?minutes=60", 2000, 2, api_history},
    {"/api/counters", "what was counted in the last minutes: ?minutes=60", 2000, 5,
     api_counters},
    {"/api/events", "the latest events: ?count=50", 1000, 1, api_events},
    {"/api/explain", "why a client is let in or hung up on: ?address=IP", 0, 1, api_explain},
    {"/api/lists", "DNS lists: how they are, what they are worth", 5000, 2, api_lists},
    {NULL, NULL, 0, 0, NULL},
};

bool api_number(const struct api_question *question, const char *name, int64_t maximum,
                int64_t *number, int *status_r, struct error *error)
{
    char text[PARAMETER_SIZE];
    int64_t given;
    if (!http_query_has(question->query, name))
        return true;
    if (http_query_get(question->query, name, text, sizeof(text)) &&
        number_parse(slice_from_string(text), maximum, &given) && given >= 1) {
        *number = given;
        return true;
    }
    *status_r = 400;
    return error_set(error, "%s: a number from 1 to %lld is wanted", name, (long long)maximum);
}

bool api_needs_redis(const struct api_question *question, struct error *error)
{
    return question->api->session ||
           error_set(error, "this needs Redis, and none is configured (redis.server)");
}

json_t *api_index(const struct api_question *question, int *status_r, struct error *error)
{
    json_t *list = json_array();
    (void)question;
    (void)status_r;
    (void)error;
    for (const struct api_row *row = api_table; row->path; row++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "path", row->path, "help", row->help));
    return json_pack("{s:o}", "endpoints", list);
}

json_t *api_history(const struct api_question *question, int *status_r, struct error *error)
{
    int64_t minutes = MINUTES_DEFAULT;
    if (!api_needs_redis(question, error) ||
        !api_number(question, "minutes", MINUTES_DEFAULT, &minutes, status_r, error))
        return NULL;
    return history_view_json(question->api->session, question->host, minutes, error);
}

json_t *api_counters(const struct api_question *question, int *status_r, struct error *error)
{
    int64_t minutes = MINUTES_DEFAULT;
    if (!api_needs_redis(question, error) ||
        !api_number(question, "minutes", COUNTER_VIEW_MINUTES_MAX, &minutes, status_r, error))
        return NULL;
    return counter_view_json(question->api->session, question->host, minutes, error);
}

json_t *api_events(const struct api_question *question, int *status_r, struct error *error)
{
    int64_t count = EVENTS_DEFAULT;
    if (!api_needs_redis(question, error) ||
        !api_number(question, "count", EVENT_VIEW_MAX, &count, status_r, error))
        return NULL;
    json_t *events = event_view_json(question->api->session, count, error);
    return events ? json_pack("{s:o}", "events", events) : NULL;
}

/* -- lists -------------------------------------------------------------------------------- */

static void append_line(void *context, const char *line)
{
    json_array_append_new(context, json_string(line));
}

json_t *api_lists(const struct api_question *question, int *status_r, struct error *error)
{
    const struct rbl_plan *plan = question->api->config->rbl.plan;
    struct redis_session *session = question->api->session;
    static struct rbl_value value; /* large, and of one thread */
    (void)status_r;
    if (!api_needs_redis(question, error))
        return NULL;
    json_t *health = rbl_view_health(plan, session, error);
    json_t *numbers = health ? rbl_view_value(plan, session, &value, error) : NULL;
    if (!numbers) {
        json_decref(health);
        return NULL;
    }
    json_t *report = json_array();
    if (plan->list_count > 0)
        rbl_value_report(&value, plan, append_line, report);
    return json_pack("{s:o, s:o, s:o}", "health", health, "value", numbers, "report", report);
}

/* -- explain ------------------------------------------------------------------------------ */

struct explain_texts {
    char name[PARAMETER_SIZE], sender[PARAMETER_SIZE], recipient[PARAMETER_SIZE];
};

static bool take_address(struct slice query, const char *name, char text[static PARAMETER_SIZE],
                         const char **address_r)
{
    if (!http_query_has(query, name))
        return true;
    *address_r = text;
    return http_query_get(query, name, text, PARAMETER_SIZE);
}

/* False: what was asked makes no sense. */
static bool parse_explain(const struct api_question *question, struct explain_question *asked,
                          struct explain_texts *texts, struct error *error)
{
    char text[PARAMETER_SIZE];
    struct slice query = question->query;
    *asked = (struct explain_question){.name = texts->name, .pressure = -1};
    if (!http_query_get(query, "address", text, sizeof(text)) ||
        !address_parse(slice_from_string(text), &asked->address))
        return error_set(error, "address: an IPv4 or IPv6 address is wanted");
    if (http_query_has(query, "name") &&
        !http_query_get(query, "name", texts->name, sizeof(texts->name)))
        return error_set(error, "name: a host name is wanted");
    if (!take_address(query, "sender", texts->sender, &asked->sender) ||
        !take_address(query, "recipient", texts->recipient, &asked->recipient))
        return error_set(error, "sender, recipient: a mail address is wanted");
    if (http_query_has(query, "pressure") &&
        (!http_query_get(query, "pressure", text, sizeof(text)) ||
         !number_parse_fraction(slice_from_string(text), PRESSURE_MAX, &asked->pressure)))
        return error_set(error, "pressure: a number is wanted, 1.0 is full");
    return true;
}

json_t *api_explain(const struct api_question *question, int *status_r, struct error *error)
{
    struct explain_question asked;
    static struct explanation explanation; /* large, and of one thread */
    struct explain_texts texts = {.name = ""};
    if (!parse_explain(question, &asked, &texts, error)) {
        *status_r = 400;
        return NULL;
    }
    explain_gather(&explanation, question->api->config, question->api->session, &asked);
    json_t *root = explain_json(&explanation);
    json_object_set_new(root, "complete",
                        json_boolean(!explanation.is_asked || explanation.is_answered));
    return root;
}

/* -- status ------------------------------------------------------------------------------- */

/* What this process itself sees of this host, where Redis says nothing. */
static bool see_for_itself(const struct api_question *question, struct host_view *view)
{
    if (strcmp(question->host, question->api->host) != 0)
        return false;
    stress_monitor_describe(question->api->monitor, clock_monotonic_ms(), &view->state);
    view->state.publisher = PUBLISHER_POLICYD;
    view->is_published = true;
    return true;
}

static json_t *redis_json(bool is_configured, const struct error *error)
{
    char text[sizeof(error->text)];
    escape_words(slice_from_string(error->text), text, sizeof(text));
    return json_pack("{s:b, s:b, s:o}", "configured", is_configured, "reachable",
                     is_configured && error->text[0] == '\0', "error",
                     text[0] != '\0' ? json_string(text) : json_null());
}

static json_t *thresholds_json(const struct level_settings *level)
{
    json_t *object = json_object();
    for (enum level i = LEVEL_ELEVATED; i < LEVEL_COUNT; i++)
        json_object_set_new(object, level_name(i), json_real(level->threshold[i]));
    return object;
}

static json_t *status_json(const struct api_question *question, const struct host_view *view,
                           const struct top_sessions *sessions, const struct error *error)
{
    const struct config *config = question->api->config;
    bool is_own = view->now_ms == 0 && view->is_published;
    double now_s = view->now_ms > 0 ? (double)view->now_ms / 1000 : (double)clock_wall_s();
    return json_pack(
        "{s:s, s:s, s:s, s:f, s:s, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "host",
        question->host, "this_host", question->api->host, "version", PACKAGE_VERSION, "time",
        now_s, "mode", mode_name(config->admission.mode), "redis",
        redis_json(question->api->session != NULL, error), "source",
        !view->is_published ? "none"
        : is_own            ? "this-process"
                            : "redis",
        "publisher",
        view->is_published ? json_string(publisher_name(view->state.publisher)) : json_null(),
        "off", view->state.is_off, "thresholds",
        thresholds_json(&config->services.items[0].level), "services",
        host_view_services_json(view), "top", top_sessions_json(sessions), "forced",
        host_view_forced_json(view), "cluster", host_view_cluster_json(view));
}

json_t *api_status(const struct api_question *question, int *status_r, struct error *error)
{
    static struct host_view view; /* large, and of one thread */
    struct redis_session *session = question->api->session;
    struct top_sessions sessions = {.is_known = false};
    struct error redis_error = {""};
    (void)status_r;
    (void)error;
    view = (struct host_view){.now_ms = 0};
    if (session && (!host_view_read(&view, session, question->host, &redis_error) ||
                    !top_sessions_read(&sessions, session, question->host, &redis_error)))
        view = (struct host_view){.now_ms = 0};
    if (!view.is_published && view.now_ms == 0)
        see_for_itself(question, &view);
    return status_json(question, &view, &sessions, &redis_error);
}
