#include "policyd/server.h"

#include "common/config.h"
#include "common/error_list.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/decision_log.h"
#include "host/hostname.h"
#include "host/log.h"
#include "host/own_numbers.h"
#include "host/privileges.h"
#include "host/program.h"
#include "host/stress_monitor.h"
#include "policyd/announcements.h"
#include "policyd/connection_set.h"
#include "policyd/counter_writer.h"
#include "policyd/gather.h"
#include "policyd/gather_rbl.h"
#include "policyd/gather_verify.h"
#include "policyd/host_record.h"
#include "policyd/http_server.h"
#include "policyd/listener.h"
#include "policyd/memcache_server.h"
#include "policyd/rbl_lists.h"
#include "policyd/rbl_lookup.h"
#include "policyd/socketmap_server.h"
#include "policyd/store.h"
#include "policyd/stress_timer.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#define DESCRIPTORS_OF_OUR_OWN 64
#define DRAIN_EXTRA_MS         1000

struct server {
    const char *config_file;
    struct config *config;
    struct event_base *base;
    struct stress_monitor *monitor;
    struct stress_timer *stress_timer;
    struct counter_writer *counter_writer;
    struct own_numbers own_numbers;
    struct store store;
    struct host_record *host_record;
    struct rbl_engine *rbl_engine;
    struct gather_rbl *gather_rbl;
    struct gather_verify *gather_verify;
    struct announcements *announcements;
    struct gather *gather;
    struct decision_log *decision_log;
    struct connection_set connections;
    struct listener_set listeners, verify_listeners;
    struct socketmap_server socketmap;
    struct stream_server *socketmap_stream;
    struct memcache_server memcache;
    struct stream_server *memcache_stream;
    struct http_server *http; /* NULL: there can be none */
    struct event *signals[3];
    struct event *drain_timer;
};

/* So that max_connections, and not the descriptor limit, is what is reached first. */
static void raise_descriptor_limit(const struct config *config)
{
    rlim_t needed = (rlim_t)config->policyd.max_connections +
                    (rlim_t)config->http.max_connections + DESCRIPTORS_OF_OUR_OWN;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    struct rlimit raised = {needed, needed > limit.rlim_max ? needed : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return;
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    log_warning("policyd.max_connections needs %lu open files, but only %lu may be open: raise "
                "LimitNOFILE in the unit file",
                (unsigned long)needed, (unsigned long)limit.rlim_max);
}

static void on_drained(void *context)
{
    struct server *server = context;
    if (server->connections.is_draining)
        event_base_loopbreak(server->base);
}

static void on_drain_timer(int fd, short events, void *context)
{
    struct server *server = context;
    (void)fd;
    (void)events;
    event_base_loopbreak(server->base);
}

/* Answers what has arrived, waits for Redis and DNS no longer than it does anyway, and ends. */
static void on_end_signal(int signal_number, short events, void *context)
{
    struct server *server = context;
    int64_t longest_ms = server->config->redis.deadline_ms + DRAIN_EXTRA_MS;
    if (!rbl_engine_is_off(server->rbl_engine))
        longest_ms += server->config->rbl.deadline_ms[LEVEL_CALM];
    const struct timeval longest = {longest_ms / 1000, longest_ms % 1000 * 1000};
    (void)events;
    if (server->connections.is_draining)
        return;
    log_info("policyd: ending on signal %d", signal_number);
    listener_set_close(&server->listeners);
    listener_set_close(&server->verify_listeners);
    stream_server_stop(server->socketmap_stream);
    stream_server_stop(server->memcache_stream);
    http_server_free(server->http);
    server->http = NULL;
    server->drain_timer = event_new(server->base, -1, 0, on_drain_timer, server);
    if (!server->drain_timer || event_add(server->drain_timer, &longest) != 0)
        event_base_loopbreak(server->base);
    host_record_end(server->host_record);
    connection_set_drain(&server->connections);
}

static void take_policy_client(void *context, int fd)
{
    connection_set_take(context, fd, false);
}

static void take_verify_client(void *context, int fd)
{
    connection_set_take(context, fd, true);
}

static bool make_policy_room(void *context)
{
    return connection_set_make_room(context);
}

static bool try_listeners(struct server *server, const struct config *config,
                          struct error_list *errors)
{
    return listener_set_apply(&server->listeners, &config->policyd.listen,
                              &config->policyd.socket, errors) &&
           stream_server_apply(server->socketmap_stream, &config->socketmap.listen,
                               &config->socketmap.socket, errors) &&
           stream_server_apply(server->memcache_stream, &config->memcache.listen,
                               &config->memcache.socket, errors) &&
           listener_set_apply(&server->verify_listeners, &config->verify.listen,
                              &config->verify.socket, errors);
}

/* False: some cannot be opened; then all is as it was. */
static bool apply_listeners(struct server *server, const struct config *config,
                            struct error_list *errors)
{
    struct error_list ignored;
    if (try_listeners(server, config, errors))
        return true;
    error_list_init(&ignored);
    try_listeners(server, server->config, &ignored);
    return false;
}

/* Of all connections. */
static void apply_limits(struct server *server, const struct config *config)
{
    const struct connection_limits limits = {
        .maximum = (size_t)config->policyd.max_connections,
        .idle_ms = config->policyd.idle_timeout_s * 1000,
        .request_ms = config->policyd.request_timeout_s * 1000,
    };
    connection_set_apply_limits(&server->connections, &limits);
    stream_server_set_limits(server->socketmap_stream, limits.idle_ms, limits.request_ms);
    stream_server_set_limits(server->memcache_stream, limits.idle_ms, limits.request_ms);
}

static void reload_http(struct server *server, const struct config *config)
{
    if (!server->http)
        return;
    http_server_stop(server->http);
    http_server_open(server->http, &config->http);
    http_server_start(server->http, config, server->monitor);
}

static void on_reload_signal(int signal_number, short events, void *context)
{
    struct server *server = context;
    struct error_list errors;
    (void)signal_number;
    (void)events;
    if (server->connections.is_draining)
        return;
    struct config *config = program_load_config(server->config_file);
    error_list_init(&errors);
    if (!config || !apply_listeners(server, config, &errors)) {
        program_log_errors(&errors);
        log_error("policyd: %s not taken over: the configuration stays as it was",
                  server->config_file);
        config_free(config);
        return;
    }
    log_open("postvalve-policyd", config->log_target, config->is_log_verbose);
    stress_monitor_reload(server->monitor, config, clock_monotonic_ms());
    host_record_reload(server->host_record, config);
    counter_writer_reload(server->counter_writer, config);
    rbl_engine_reload(server->rbl_engine, &config->rbl);
    gather_rbl_reload(server->gather_rbl, config);
    gather_verify_reload(server->gather_verify, config);
    gather_reload(server->gather, config);
    decision_log_reload(server->decision_log, config);
    server->socketmap.maps.config = config;
    shared_cache_reload(server->memcache.cache, config);
    server->memcache.config = config;
    store_reload(&server->store, config);
    raise_descriptor_limit(config);
    apply_limits(server, config);
    reload_http(server, config);
    config_free(server->config);
    server->config = config;
    log_info("policyd: configuration taken over from %s", server->config_file);
}

static bool add_signals(struct server *server)
{
    static const struct {
        int number;
        event_callback_fn callback;
    } table[] = {
        {SIGTERM, on_end_signal},
        {SIGINT, on_end_signal},
        {SIGHUP, on_reload_signal},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        server->signals[i] =
            evsignal_new(server->base, table[i].number, table[i].callback, server);
        if (!server->signals[i] || event_add(server->signals[i], NULL) != 0)
            return false;
    }
    signal(SIGPIPE, SIG_IGN);
    return true;
}

static struct event_base *open_base(void)
{
    struct event_config *event_config = event_config_new();
    struct event_base *base = NULL;
    if (event_config) {
        event_config_set_flag(event_config,
                              EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
        base = event_base_new_with_config(event_config);
        event_config_free(event_config);
    }
    return base;
}

/* What may be refused: sockets, user. EX_OK, or why not. */
static int acquire(struct server *server)
{
    struct error_list errors;
    struct error error = {""};

    error_list_init(&errors);
    raise_descriptor_limit(server->config);
    server->monitor =
        stress_monitor_open(server->config, STRESS_MONITOR_DAEMON, clock_monotonic_ms());
    if (!apply_listeners(server, server->config, &errors)) {
        program_log_errors(&errors);
        return EX_UNAVAILABLE;
    }
    if (server->http)
        http_server_open(server->http, &server->config->http);
    if (!privileges_drop(server->config->user, server->config->group, &error)) {
        log_error("%s", error.text);
        return EX_NOPERM;
    }
    return EX_OK;
}

/* Once a second, and at the end. */
static void count_own_numbers(void *context)
{
    struct server *server = context;
    struct host_state state;
    int64_t now_ms = clock_monotonic_ms();
    stress_monitor_describe(server->monitor, now_ms, &state);
    own_numbers_count(&server->own_numbers, &state, now_ms);
    redis_server_set_gauges(server->store.server);
    SET_GAUGE(CONNECTIONS_OPEN, (int64_t)server->connections.count, COUNTED_POLICY);
    if (!server->gather) /* at the end the other parts are gone */
        return;
    SET_GAUGE(CONNECTIONS_OPEN, (int64_t)stream_server_count(server->socketmap_stream),
              COUNTED_SOCKETMAP);
    SET_GAUGE(CONNECTIONS_OPEN, (int64_t)stream_server_count(server->memcache_stream),
              COUNTED_MEMCACHE);
    SET_GAUGE(HISTORY_CAP, gather_is_history_capped(server->gather, now_ms));
    if (!rbl_engine_is_off(server->rbl_engine))
        rbl_lists_set_gauges(rbl_engine_lists(server->rbl_engine));
}

static void wire(struct server *server)
{
    struct config *config = server->config;

    store_open(&server->store, server->base, config, SIZE_MAX);
    server->host_record = host_record_create(&server->store, server->monitor, config, false);
    server->rbl_engine = rbl_engine_create(server->base, &server->store, &config->rbl);
    server->gather_rbl = gather_rbl_create(server->rbl_engine, &server->store, config);
    server->decision_log = decision_log_open(config, "policyd");
    server->gather_verify = gather_verify_create(server->base, &server->store, config);
    const struct gather_sources sources = {
        .store = &server->store,
        .monitor = server->monitor,
        .host_record = server->host_record,
        .decision_log = server->decision_log,
        .rbl = server->gather_rbl,
        .verify = server->gather_verify,
    };
    server->gather = gather_create(&sources, config);
    connection_set_init(&server->connections, server->base, server->gather);
    server->connections.on_empty = on_drained;
    server->connections.on_empty_context = server;
    apply_limits(server, config);
    connection_set_start_sweeping(&server->connections);
    server->socketmap = (struct socketmap_server){{server->gather, config}};
    server->memcache = (struct memcache_server){
        &server->store, shared_cache_create(&server->store, config), config};
    server->counter_writer =
        counter_writer_create(server->base, &server->store, config, COUNTER_PROCESS_POLICYD,
                              count_own_numbers, server);
}

static void unwire(struct server *server)
{
    http_server_free(server->http);
    server->http = NULL;
    connection_set_deinit(&server->connections);
    stream_server_free(server->socketmap_stream);
    stream_server_free(server->memcache_stream);
    server->socketmap_stream = server->memcache_stream = NULL;
    shared_cache_free(server->memcache.cache);
    gather_free(server->gather);
    decision_log_free(server->decision_log);
    server->gather = NULL;
    announcements_free(server->announcements);
    stress_timer_free(server->stress_timer);
    rbl_engine_free(server->rbl_engine);
    gather_rbl_free(server->gather_rbl);
    gather_verify_free(server->gather_verify);
    host_record_free(server->host_record);
    counter_writer_finish(server->counter_writer);
    counter_writer_free(server->counter_writer);
    store_close(&server->store);
}

static bool start_lists(struct server *server)
{
    char host[HOSTNAME_SIZE];
    hostname_get(server->config->host, host);
    server->announcements = announcements_start(server->base, &server->store,
                                                server->rbl_engine, server->gather_rbl, host);
    return server->announcements && rbl_engine_start(server->rbl_engine, host);
}

static void on_stress_news(void *context)
{
    host_record_tell(context);
}

static bool start_stress(struct server *server)
{
    server->stress_timer =
        stress_timer_start(server->base, server->monitor, on_stress_news, server->host_record);
    return server->stress_timer != NULL;
}

static int serve(struct server *server)
{
    int status = acquire(server);
    if (status == EX_OK) {
        wire(server);
        if (add_signals(server) && start_stress(server) &&
            host_record_start(server->host_record, server->base) && start_lists(server) &&
            counter_writer_start(server->counter_writer)) {
            if (server->http)
                http_server_start(server->http, server->config, server->monitor);
            log_info("policyd: ready on %zu sockets", server->listeners.count);
            event_base_dispatch(server->base);
        } else {
            log_error("policyd: the event loop takes no timers or signals");
            status = EX_OSERR;
        }
        unwire(server);
    }
    listener_set_close(&server->listeners);
    listener_set_close(&server->verify_listeners);
    stream_server_free(server->socketmap_stream);
    stream_server_free(server->memcache_stream);
    http_server_free(server->http);
    stress_monitor_close(server->monitor);
    return status;
}

static int64_t count_verdicts(enum counted_verdict verdict)
{
    const unsigned labels[COUNTER_LABELS_MAX] = {COUNTER_ANY, COUNTER_ANY, verdict,
                                                 COUNTER_ANY};
    return counter_sum(count_set(), COUNTER_VERDICTS, labels);
}

static int64_t count_closed(enum closed closed)
{
    const unsigned labels[COUNTER_LABELS_MAX] = {COUNTER_ANY, closed};
    return counter_sum(count_set(), COUNTER_CONNECTIONS_CLOSED, labels);
}

static void log_counters(void)
{
    const unsigned all[COUNTER_LABELS_MAX] = {COUNTER_ANY, COUNTER_ANY};
    log_info("policyd: ended: requests=%" PRId64 " hang_ups=%" PRId64 " rejects=%" PRId64
             " observed=%" PRId64 " connections=%" PRId64 " invalid=%" PRId64
             " timed_out=%" PRId64 " made_room=%" PRId64,
             COUNTED(REQUESTS, COUNTED_POLICY), counter_sum(count_set(), COUNTER_HANG_UPS, all),
             count_verdicts(COUNTED_REPLY) + count_verdicts(COUNTED_RESTRICTION),
             count_verdicts(COUNTED_OBSERVED),
             counter_sum(count_set(), COUNTER_CONNECTIONS_ACCEPTED, all),
             count_closed(CLOSED_INVALID), count_closed(CLOSED_TIMED_OUT),
             count_closed(CLOSED_MADE_ROOM));
}

int server_run(const char *config_file, struct config *config)
{
    struct server server = {.config_file = config_file, .config = config};

    log_open("postvalve-policyd", config->log_target, config->is_log_verbose);
    server.base = open_base();
    if (!server.base) {
        log_error("policyd: no event loop");
        config_free(config);
        return EX_OSERR;
    }
    const struct listener_owner owner = {"policyd", &server.connections, take_policy_client,
                                         make_policy_room};
    const struct listener_owner verify_owner = {"verify", &server.connections,
                                                take_verify_client, make_policy_room};
    listener_set_init(&server.listeners, server.base, &owner);
    listener_set_init(&server.verify_listeners, server.base, &verify_owner);
    server.socketmap_stream =
        stream_server_create(server.base, &socketmap_protocol, &server.socketmap);
    server.memcache_stream =
        stream_server_create(server.base, &memcache_protocol, &server.memcache);
    server.http = http_server_create();
    if (!server.http)
        log_warning("policyd: no page: there is no event loop for it");
    int status = serve(&server);
    for (size_t i = 0; i < sizeof(server.signals) / sizeof(server.signals[0]); i++)
        if (server.signals[i])
            event_free(server.signals[i]);
    if (server.drain_timer)
        event_free(server.drain_timer);
    event_base_free(server.base);
    if (status == EX_OK)
        log_counters();
    config_free(server.config);
    return status;
}
