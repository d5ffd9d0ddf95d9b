/* postvalvectl report: a page on the last hours. */
#include "common/config.h"
#include "common/duration.h"
#include "common/level.h"
#include "common/memory.h"
#include "ctl/commands.h"
#include "ctl/report.h"
#include "host/hostname.h"
#include "view/event_view.h"
#include "view/metrics_view.h"
#include "view/redis_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SECONDS_DEFAULT 86400

static const char *text_of(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text ? text : "";
}

static void take_event(struct report_facts *facts, const json_t *event)
{
    enum level to;
    const char *type = text_of(event, "type");
    if (strcmp(text_of(event, "host"), facts->host) != 0)
        return;
    if (strcmp(type, "level") == 0 &&
        level_by_name(slice_from_string(text_of(event, "to")), &to))
        report_add_level(&facts->events, text_of(event, "service"), to,
                         (int64_t)json_number_value(json_object_get(event, "time")));
    else if (strcmp(type, "history-cap") == 0 &&
             strcmp(text_of(event, "state"), "reached") == 0)
        facts->events.history_cap_count++;
}

static bool read_events(struct redis_session *session, struct report_facts *facts,
                        struct error *error)
{
    int64_t now_s;
    size_t index;
    json_t *event;
    if (!redis_clock_read(session, &now_s, error))
        return false;
    json_t *events = event_view_json_since(session, now_s - facts->seconds, error);
    if (!events)
        return false;
    json_array_foreach(events, index, event)
    {
        take_event(facts, event);
    }
    report_end_events(&facts->events, now_s);
    json_decref(events);
    return true;
}

static bool gather(const struct config *config, struct report_facts *facts,
                   struct counter_snapshot *counters, struct error *error)
{
    struct redis_session session;
    bool is_read = redis_session_open(&session, &config->redis, REDIS_USE_READ, error) &&
                   metrics_view_read_minutes(&session, facts->host, (facts->seconds + 59) / 60,
                                             counters, error) &&
                   read_events(&session, facts, error);
    redis_session_close(&session);
    facts->counters = counters;
    facts->mode = config->admission.mode;
    facts->is_reclaim_enabled = config->reclaim.is_enabled;
    return is_read;
}

static void print(const struct report_facts *facts, bool is_html)
{
    struct report_html html = {NULL};
    report_make(facts, is_html ? report_print_html : report_print_text, &html);
    if (is_html)
        report_end_html(&html);
}

int command_report(struct arguments *arguments)
{
    const char *since = NULL, *wanted_host = NULL;
    bool is_html = false;
    char host[HOSTNAME_SIZE];
    struct report_facts facts = {.host = host, .seconds = SECONDS_DEFAULT};
    struct error error;
    const struct argument_option options[] = {
        {"--since", NULL, &since},
        {"--host", NULL, &wanted_host},
        {"--html", &is_html, NULL},
        {NULL, NULL, NULL},
    };
    if (!arguments_parse(arguments, options, false) || arguments->count > 0 ||
        (since && !duration_parse(slice_from_string(since), METRICS_VIEW_MINUTES_MAX * 60,
                                  &facts.seconds)))
        return command_usage_error("report");
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    hostname_get(wanted_host ? wanted_host : config->host, host);
    struct counter_snapshot *counters = memory_allocate(1, sizeof(*counters));
    bool is_read = gather(config, &facts, counters, &error);
    if (is_read)
        print(&facts, is_html);
    free(counters);
    config_free(config);
    return is_read ? EX_OK : command_failed(&error);
}
