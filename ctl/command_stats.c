/* postvalvectl stats: what was counted on a host; see common/counter.def. */
#include "common/config.h"
#include "common/duration.h"
#include "common/memory.h"
#include "common/metrics_text.h"
#include "config.h"
#include "ctl/commands.h"
#include "ctl/stats.h"
#include "host/hostname.h"
#include "view/metrics_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct wanted {
    const char *since, *host;
    bool is_json, is_prometheus, is_description;
    int64_t minutes; /* 0: since the beginning */
};

static bool take_options(struct arguments *arguments, struct wanted *wanted)
{
    const struct argument_option options[] = {
        {"--since", NULL, &wanted->since},
        {"--host", NULL, &wanted->host},
        {"--json", &wanted->is_json, NULL},
        {"--prometheus", &wanted->is_prometheus, NULL},
        {"--describe", &wanted->is_description, NULL},
        {NULL, NULL, NULL},
    };
    int64_t seconds = 0;
    if (!arguments_parse(arguments, options, false) || arguments->count > 0 ||
        (wanted->is_json && wanted->is_prometheus) || (wanted->since && wanted->is_prometheus))
        return false;
    if (wanted->since && !duration_parse(slice_from_string(wanted->since),
                                         METRICS_VIEW_MINUTES_MAX * 60, &seconds))
        return false;
    wanted->minutes = (seconds + 59) / 60;
    return true;
}

static bool read_counters(const struct config *config, const struct wanted *wanted,
                          const char *host, struct counter_snapshot *snapshot,
                          struct error *error)
{
    struct redis_session session;
    bool is_read =
        redis_session_open(&session, &config->redis, REDIS_USE_READ, error) &&
        (wanted->minutes
             ? metrics_view_read_minutes(&session, host, wanted->minutes, snapshot, error)
             : metrics_view_read(&session, host, COUNTER_PROCESS_COUNT, snapshot, error));
    redis_session_close(&session);
    return is_read;
}

static void print_prometheus(const struct counter_snapshot *snapshot)
{
    struct buffer text = BUFFER_WITH_MAXIMUM(METRICS_TEXT_MAX);
    metrics_text_render(snapshot, PACKAGE_VERSION, &text);
    fwrite(text.data, 1, text.length, stdout);
    buffer_free(&text);
}

static void print(const struct wanted *wanted, const char *host,
                  const struct counter_snapshot *snapshot)
{
    if (wanted->is_prometheus)
        print_prometheus(snapshot);
    else if (wanted->is_json)
        command_print_json(stats_json(snapshot, host, wanted->minutes));
    else
        stats_print(snapshot, stdout);
}

int command_stats(struct arguments *arguments)
{
    struct wanted wanted = {.is_json = false};
    char host[HOSTNAME_SIZE];
    struct error error;
    if (!take_options(arguments, &wanted))
        return command_usage_error("stats");
    if (wanted.is_description) {
        stats_describe(stdout);
        return EX_OK;
    }
    struct config *config = command_load_config(arguments->config_file);
    if (!config)
        return EX_CONFIG;
    hostname_get(wanted.host ? wanted.host : config->host, host);
    struct counter_snapshot *snapshot = memory_allocate(1, sizeof(*snapshot));
    bool is_read = read_counters(config, &wanted, host, snapshot, &error);
    if (is_read)
        print(&wanted, host, snapshot);
    free(snapshot);
    config_free(config);
    return is_read ? EX_OK : command_failed(&error);
}
