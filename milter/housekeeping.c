#include "milter/housekeeping.h"

#include "common/endpoint.h"
#include "host/clock.h"
#include "host/decision_log.h"
#include "host/log.h"
#include "host/program.h"
#include "host/stress_monitor.h"
#include "milter/admission.h"
#include "milter/history.h"
#include "milter/host_link.h"
#include "milter/listener.h"
#include "milter/live_config.h"
#include "milter/newcomer_watch.h"
#include "milter/reclaimer.h"
#include "milter/session_count.h"
#include "milter/session_table.h"
#include "milter/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define FLUSH_MS 1000 /* at the end; a service manager waits much longer */
#define PROGRAM  "postvalve-milter"

/* Settings that are taken at the start only. */
static void warn_of_fixed_settings(const struct config *old, const struct config *new)
{
    const struct {
        bool is_changed;
        const char *what;
    } rows[] = {
        {strcmp(old->user, new->user) != 0 || strcmp(old->group, new->group) != 0,
         "user and group"},
        {!endpoint_equals(&old->milter.listen, &new->milter.listen), "milter.listen"},
        {!endpoint_equals(&old->redis.server, &new->redis.server) ||
             strcmp(old->redis.username, new->redis.username) != 0 ||
             strcmp(old->redis.password, new->redis.password) != 0 ||
             strcmp(old->redis.prefix, new->redis.prefix) != 0 ||
             old->redis.database != new->redis.database ||
             old->redis.deadline_ms != new->redis.deadline_ms ||
             old->redis.retry_ms != new->redis.retry_ms ||
             old->redis.pool_size != new->redis.pool_size,
         "redis.*"},
        {old->memory.clients != new->memory.clients ||
             old->memory.fresh_ms != new->memory.fresh_ms,
         "memory.*"},
        {old->history_expire_d != new->history_expire_d, "history.expire_d"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].is_changed)
            log_warning("%s: a new value needs a restart", rows[i].what);
}

static void reload(struct milter *milter)
{
    struct config *config = program_load_config(milter->config_file);
    if (!config) {
        log_error("%s: not taken, the old configuration stays in force", milter->config_file);
        return;
    }
    log_open(PROGRAM, config->log_target, config->is_log_verbose);
    stress_monitor_reload(milter->stress, config, clock_monotonic_ms());
    const struct config *old = live_config_acquire(milter->config);
    warn_of_fixed_settings(old, config);
    live_config_release(milter->config, old);
    if (config->reclaim.is_enabled && !milter->reclaimer)
        log_warning("reclaim.enabled: takes a restart, and CAP_NET_ADMIN");
    decision_log_reload(milter->decision_log, config);
    live_config_replace(milter->config, config);
    log_info("%s: taken", milter->config_file);
}

static bool has_level_changed(struct milter *milter)
{
    struct level_change change;
    bool has_changed = false;
    while (stress_monitor_next_change(milter->stress, &change))
        has_changed = true;
    return has_changed;
}

/* busy: as the table counts; negative: the milter is not asked there. Returns the level. */
static void tend_service(struct milter *milter, const struct config *config, size_t service,
                         int busy, int64_t now_ms, struct stress_reading *reading_r)
{
    *reading_r = (struct stress_reading){.level = LEVEL_CALM};
    if (busy < 0)
        return;
    stress_monitor_read(milter->stress, service, busy, false, now_ms, reading_r);
    if (!reading_r->is_off)
        reclaimer_tick(milter, config, &config->services.items[service], reading_r, now_ms);
}

/* The levels move by the clock too. Returns in how many ms the next tick is wanted. */
static int64_t tick(struct milter *milter, const struct config *config, int64_t now_ms)
{
    int busy[SERVICES_MAX];
    const struct service_list *services = &config->services;
    for (size_t i = 0; i < services->count; i++)
        busy[i] = session_table_busy(milter->sessions, (uint16_t)services->items[i].port);
    int64_t next_ms = stress_monitor_tick(milter->stress, busy, now_ms);
    if (has_level_changed(milter))
        host_link_wake(milter->host_link);
    struct stress_reading worst = {.level = LEVEL_CALM}, reading;
    for (size_t i = 0; i < services->count; i++) {
        tend_service(milter, config, i, busy[i], now_ms, &reading);
        if (reading.level > worst.level)
            worst = reading;
    }
    newcomer_watch_tick(milter->newcomers, &config->admission.newcomers, worst.level,
                        worst.pressure.slot_limit, now_ms);
    return next_ms;
}

static void *keep_house(void *context)
{
    struct milter *milter = context;
    int64_t tick_at_ms = clock_monotonic_ms();
    for (;;) {
        int64_t now_ms = clock_monotonic_ms();
        int caught = signals_wait(now_ms < tick_at_ms ? tick_at_ms - now_ms : 0);
        if (caught == SIGHUP)
            reload(milter);
        else if (caught != 0)
            housekeeping_end(milter, EX_OK);

        now_ms = clock_monotonic_ms();
        if (now_ms < tick_at_ms)
            continue;
        const struct config *config = live_config_acquire(milter->config);
        tick_at_ms = now_ms + tick(milter, config, now_ms);
        live_config_release(milter->config, config);
    }
    return NULL;
}

bool housekeeping_start(struct milter *milter, struct error *error)
{
    pthread_t thread;
    int problem = pthread_create(&thread, NULL, keep_house, milter);
    if (problem != 0)
        return error_set(error, "cannot start a thread: %s", strerror(problem));
    pthread_detach(thread);
    return true;
}

struct ending {
    struct milter *milter;
    const struct config *config;
    int sessions;
};

static void write_down(const struct session *session, void *context)
{
    struct ending *ending = context;
    admission_record(ending->milter, ending->config, session, false);
    session_count_end(session, ending->config->milter.silent_after_s * 1000, true,
                      clock_monotonic_ms());
    ending->sessions++;
}

void housekeeping_end(struct milter *milter, int status)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex); /* for good */
    listener_remove_file();
    struct ending ending = {milter, live_config_acquire(milter->config), 0};
    host_link_end(milter->host_link);
    session_table_drain(milter->sessions, write_down, &ending);
    history_flush(milter->history, FLUSH_MS);
    decision_log_end(milter->decision_log);
    host_link_write_counts(milter->host_link);
    log_info("ends with %d sessions", ending.sessions);
    /* Not exit(): libmilter's threads are still at work. */
    fflush(NULL);
    _exit(status);
}
