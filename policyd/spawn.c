#include "policyd/spawn.h"

#include "host/clock.h"
#include "host/decision_log.h"
#include "host/hostname.h"
#include "host/log.h"
#include "host/own_numbers.h"
#include "host/stress_monitor.h"
#include "policyd/connection.h"
#include "policyd/connection_set.h"
#include "policyd/counter_writer.h"
#include "policyd/gather.h"
#include "policyd/gather_rbl.h"
#include "policyd/gather_verify.h"
#include "policyd/host_record.h"
#include "policyd/rbl_lookup.h"
#include "policyd/store.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CLIENTS_IN_MEMORY 64

static bool is_same_file(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

enum log_target spawn_log_target(enum log_target configured)
{
    if (!is_same_file(STDERR_FILENO, STDIN_FILENO) &&
        !is_same_file(STDERR_FILENO, STDOUT_FILENO))
        return configured;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
    return LOG_TARGET_SYSLOG;
}

/* poll(2) takes whatever standard input may be, files included, and needs no descriptor. */
static struct event_base *open_base(void)
{
    struct event_config *event_config = event_config_new();
    struct event_base *base = NULL;
    if (event_config) {
        event_config_set_flag(event_config, EVENT_BASE_FLAG_NOLOCK);
        event_config_avoid_method(event_config, "epoll");
        base = event_base_new_with_config(event_config);
        event_config_free(event_config);
    }
    return base;
}

static void on_end_signal(int signal_number, short events, void *context)
{
    (void)signal_number;
    (void)events;
    connection_set_drain(context);
}

static void on_closed(void *context)
{
    event_base_loopbreak(context);
}

static void count_own_numbers(void *context)
{
    own_numbers_count_cpu(context);
}

static void serve(struct event_base *base, const struct config *config)
{
    char host[HOSTNAME_SIZE];
    struct own_numbers own_numbers = {.start_s = 0};
    struct store store;
    struct connection_set connections;
    struct stress_monitor *monitor =
        stress_monitor_open(config, STRESS_MONITOR_SPAWNED, clock_monotonic_ms());

    store_open(&store, base, config, CLIENTS_IN_MEMORY);
    struct host_record *host_record = host_record_create(&store, monitor, config, true);
    struct rbl_engine *rbl_engine = rbl_engine_create(base, &store, &config->rbl);
    hostname_get(config->host, host);
    rbl_engine_start_spawned(rbl_engine, host);
    struct gather_rbl *gather_rbl = gather_rbl_create(rbl_engine, &store, config);
    struct decision_log *decision_log = decision_log_open(config, "policyd");
    struct gather_verify *gather_verify = gather_verify_create(base, &store, config);
    const struct gather_sources sources = {
        .store = &store,
        .monitor = monitor,
        .host_record = host_record,
        .decision_log = decision_log,
        .rbl = gather_rbl,
        .verify = gather_verify,
        .is_host_record_asked = true,
    };
    struct gather *gather = gather_create(&sources, config);
    connection_set_init(&connections, base, gather);
    struct counter_writer *counter_writer = counter_writer_create(
        base, &store, config, COUNTER_PROCESS_SPAWN, count_own_numbers, &own_numbers);
    connections.on_empty = on_closed;
    connections.on_empty_context = base;
    struct event *end_signal = evsignal_new(base, SIGTERM, on_end_signal, &connections);
    if (end_signal)
        event_add(end_signal, NULL);

    counter_writer_start(counter_writer);

    if (connection_open(&connections, STDIN_FILENO, STDOUT_FILENO))
        event_base_dispatch(base);

    if (end_signal)
        event_free(end_signal);
    connection_set_deinit(&connections);
    gather_free(gather);
    decision_log_free(decision_log);
    rbl_engine_free(rbl_engine);
    gather_rbl_free(gather_rbl);
    gather_verify_free(gather_verify);
    host_record_free(host_record);
    counter_writer_finish(counter_writer);
    counter_writer_free(counter_writer);
    store_close(&store);
    stress_monitor_close(monitor);
}

int spawn_run(struct config *config)
{
    signal(SIGPIPE, SIG_IGN);
    struct event_base *base = open_base();
    if (!base) {
        log_error("policyd: no event loop");
        config_free(config);
        return EX_OSERR;
    }
    serve(base, config);
    event_base_free(base);
    config_free(config);
    return EX_OK;
}
