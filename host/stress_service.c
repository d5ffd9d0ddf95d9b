#include "host/stress_service.h"

#include "common/memory.h"
#include "host/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4352
/* Below this part of the threshold of elevated it is quiet. */
#define QUIET_PART 0.75
/* So many connections since the last reading, as a share of the slots: something moves. */
#define MOVED_SHARE 50
/* By then a silent client has met smtpd_timeout. What was there before us is given up then,
 * since where a proxy keeps connections that never become sessions it would never end. */
#define BEFORE_US_MS 300000

void service_settings_copy(struct service_settings *copy, const struct service_settings *from)
{
    *copy = *from;
    copy->name = memory_copy_string(from->name);
    copy->postfix_config_directory = memory_copy_string(from->postfix_config_directory);
}

void service_settings_release(struct service_settings *settings)
{
    free(settings->name);
    free(settings->postfix_config_directory);
}

struct stress_service *stress_service_create(const struct service_settings *settings,
                                             const struct sensor_settings *sensor_settings,
                                             int64_t now_ms)
{
    struct stress_service *service = memory_allocate(1, sizeof(*service));
    service_settings_copy(&service->settings, settings);
    service->sensor_settings = *sensor_settings;
    service->sensor = port_sensor_open((uint16_t)settings->port, NULL);
    service->level_since_ms = now_ms;
    service->wants_limit = true;
    service->input = stress_input_unknown;
    service->exact_busy = service->before_us = -1;
    service->opened_counted = service->drops = -1;
    return service;
}

void stress_service_free(struct stress_service *service)
{
    port_sensor_close(service->sensor);
    session_watch_close(service->sessions);
    service_settings_release(&service->settings);
    free(service);
}

static bool is_same_limit(const struct service_settings *a, const struct service_settings *b)
{
    return a->slot_limit == b->slot_limit && strcmp(a->name, b->name) == 0 &&
           strcmp(a->postfix_config_directory, b->postfix_config_directory) == 0;
}

static void set_quiet(struct stress_service *service)
{
    double quiet = QUIET_PART * service->settings.level.threshold[LEVEL_ELEVATED];
    port_sensor_set_quiet_below(
        service->sensor, service->has_limit ? (int)(quiet * service->limit.processes) : 0);
}

void stress_service_configure(struct stress_service *service,
                              const struct service_settings *settings,
                              const struct sensor_settings *sensor_settings)
{
    struct service_settings copy;
    service->limit_asked_ms = 0;
    service->wants_limit = true;
    if (!is_same_limit(&service->settings, settings))
        service->limit_trouble.text[0] = '\0';
    service_settings_copy(&copy, settings);
    service_settings_release(&service->settings);
    service->settings = copy;
    service->sensor_settings = *sensor_settings;
    set_quiet(service);
}

/* Slot limit */

static void log_trouble(struct stress_service *service, const char *text)
{
    if (text[0] && strcmp(text, service->limit_trouble.text) != 0)
        log_warning("service %s: %s", service->settings.name, text);
    snprintf(service->limit_trouble.text, sizeof(service->limit_trouble.text), "%s", text);
}

void stress_service_set_limit(struct stress_service *service, const struct slot_limit *limit,
                              const struct error *error)
{
    if (!limit) {
        log_trouble(service, error->text);
        return; /* the old one stays, if there is one */
    }
    log_trouble(service, limit->warning.text);
    if (service->has_limit && service->limit.processes != limit->processes)
        log_info("service %s: slot_limit=%d before=%d", service->settings.name,
                 limit->processes, service->limit.processes);
    service->has_limit = true;
    service->limit = *limit;
    service->is_estimating_logged = false;
    port_sensor_set_service(service->sensor, limit);
    set_quiet(service);
}

void stress_service_find_limit(struct stress_service *service, int published, int64_t now_ms)
{
    struct slot_limit limit;
    struct error error;
    struct service_settings settings = service->settings;
    if (settings.slot_limit == SLOT_LIMIT_AUTO && published > 0)
        settings.slot_limit = published;
    bool was_asked = service->limit_asked_ms != 0 &&
                     now_ms - service->limit_asked_ms < STRESS_SERVICE_LIMIT_AGAIN_MS;
    if (settings.slot_limit == SLOT_LIMIT_AUTO && was_asked)
        return;
    service->limit_asked_ms = now_ms;
    bool is_found = slot_limit_resolve(&settings, &limit, &error);
    stress_service_set_limit(service, is_found ? &limit : NULL, &error);
}

static void format_paths(const struct stress_service *service, char main_cf[static PATH_SIZE],
                         char master_cf[static PATH_SIZE])
{
    const char *directory = service->settings.postfix_config_directory;
    snprintf(main_cf, PATH_SIZE, "%s/main.cf", directory);
    snprintf(master_cf, PATH_SIZE, "%s/master.cf", directory);
}

bool stress_service_needs_limit(struct stress_service *service, int64_t now_ms)
{
    char main_cf[PATH_SIZE], master_cf[PATH_SIZE];
    format_paths(service, main_cf, master_cf);
    bool is_main_new = file_watch_has_changed(&service->main_cf, main_cf);
    bool is_master_new = file_watch_has_changed(&service->master_cf, master_cf);
    bool is_retry = !service->has_limit &&
                    now_ms - service->limit_asked_ms >= STRESS_SERVICE_LIMIT_AGAIN_MS;
    return service->wants_limit || is_main_new || is_master_new || is_retry;
}

void stress_service_note_asked(struct stress_service *service, int64_t now_ms)
{
    char main_cf[PATH_SIZE], master_cf[PATH_SIZE];
    format_paths(service, main_cf, master_cf);
    file_watch_acknowledge(&service->main_cf, main_cf);
    file_watch_acknowledge(&service->master_cf, master_cf);
    service->wants_limit = false;
    service->limit_asked_ms = now_ms;
}

/* Readings */

/* One line for each change, whoever it was that noticed. */
static void log_sight(struct stress_service *service, bool is_good, const char *reason)
{
    enum sight now = is_good ? SIGHT_WORKS : SIGHT_BLIND;
    const char *name = service->settings.name;
    if (now == SIGHT_BLIND && service->sight != SIGHT_BLIND)
        log_warning("service %s: cannot be measured: %s", name, reason);
    else if (now == SIGHT_WORKS && service->sight == SIGHT_BLIND)
        log_info("service %s: can be measured again", name);
    service->sight = now;
    if (!service->is_proc_logged && !port_sensor_uses_netlink(service->sensor)) {
        log_warning("service %s: sock_diag(7) is not permitted here (AF_NETLINK): connections "
                    "are counted in /proc/net/tcp, which is slower",
                    name);
        service->is_proc_logged = true;
    }
    if (!service->is_estimating_logged && port_sensor_is_estimating(service->sensor)) {
        log_info("service %s: behind postscreen(8), whose clients cannot be told from smtpd's "
                 "without CAP_SYS_PTRACE: as many slots count as busy as there are smtpd "
                 "processes",
                 name);
        service->is_estimating_logged = true;
    }
}

void stress_service_measure(struct stress_service *service, struct stress_measurement *taken,
                            enum port_age age, int64_t now_ms)
{
    struct port_reading reading;
    struct error error = {""};
    taken->input = stress_input_unknown;
    taken->kernel_busy = -1;
    bool is_counted = taken->exact_busy < 0 || taken->is_kernel_wanted;
    bool is_read = is_counted
                       ? port_sensor_read(service->sensor, age, now_ms, &reading, &error)
                       : port_sensor_read_queue(service->sensor, now_ms, &reading, &error);
    if (is_counted && is_read && !port_sensor_is_estimating(service->sensor))
        taken->kernel_busy = reading.busy;
    taken->input.busy = taken->exact_busy < 0 ? reading.busy : taken->exact_busy;
    log_sight(service, is_read && taken->input.busy >= 0, error.text);
    if (!is_read)
        return;
    taken->input.waiting = reading.waiting;
    taken->input.backlog_limit = reading.backlog_limit;
    taken->input.longest_wait_ms = reading.longest_wait_ms;
    taken->input.drops = reading.drops;
}

int64_t stress_service_next_change_ms(const struct stress_service *service)
{
    const struct stress_settings settings = {&service->settings.level,
                                             &service->sensor_settings};
    return stress_next_change_ms(&service->stress, &settings);
}

static void update(struct stress_service *service, int64_t now_ms)
{
    const struct stress_settings settings = {&service->settings.level,
                                             &service->sensor_settings};
    if (now_ms < service->updated_ms) /* another thread was faster */
        now_ms = service->updated_ms;
    service->updated_ms = now_ms;
    service->input.slot_limit = service->has_limit ? service->limit.processes : SENSOR_UNKNOWN;
    stress_update(&service->stress, &settings, &service->input, now_ms);
}

/* A daemon that is restarted under load meets a Postfix whose slots are held by sessions it
 * never heard of. The kernel counts them at the start; they can only become fewer. They are
 * once two looks say so: of a session that ends the kernel knows a moment earlier than we. */
static void note_unexplained(struct stress_service *service, int unexplained, int64_t now_ms)
{
    if (unexplained < 0)
        unexplained = 0;
    int at_most = unexplained > service->unexplained ? unexplained : service->unexplained;
    service->unexplained = unexplained;
    if (service->before_us < 0) {
        service->before_us_ms = now_ms;
        service->before_us = unexplained;
    } else if (at_most < service->before_us) {
        service->before_us = at_most;
    }
    if (now_ms - service->before_us_ms >= BEFORE_US_MS)
        service->before_us = 0;
}

static void set_exact(struct stress_service *service, int exact_busy)
{
    service->exact_busy = exact_busy;
    service->input.busy = exact_busy + (service->before_us > 0 ? service->before_us : 0);
}

void stress_service_take(struct stress_service *service, const struct stress_measurement *taken,
                         int64_t now_ms)
{
    bool is_exact = taken->exact_busy >= 0;
    service->input = taken->input;
    service->exact_busy = -1;
    service->is_measured = true;
    if (!is_exact || taken->is_kernel_wanted)
        note_unexplained(service, taken->kernel_busy - (is_exact ? taken->exact_busy : 0),
                         now_ms);
    if (is_exact)
        set_exact(service, taken->exact_busy);
    update(service, now_ms);
}

void stress_service_take_exact(struct stress_service *service, int exact_busy, int64_t now_ms)
{
    set_exact(service, exact_busy);
    update(service, now_ms);
}

void stress_service_note_reading(struct stress_service *service, int64_t opened)
{
    int64_t counted_ms = port_sensor_counted_ms(service->sensor);
    if (counted_ms == service->counted_ms)
        return; /* it was kept: what has come since is still to be counted */
    service->counted_ms = counted_ms;
    service->opened_counted = opened;
}

bool stress_service_is_moving(const struct stress_service *service, int64_t opened)
{
    double quiet = QUIET_PART * service->settings.level.threshold[LEVEL_ELEVATED];
    if (service->stress.tracker.level > LEVEL_CALM || service->stress.pressure.value >= quiet ||
        opened < 0 || service->opened_counted < 0)
        return true;
    int64_t moved = service->has_limit ? service->limit.processes / MOVED_SHARE : 0;
    return opened - service->opened_counted >= (moved > 1 ? moved : 1);
}

bool stress_service_is_at_rest(const struct stress_service *service, int64_t now_ms)
{
    return service->counted_ms == 0 || now_ms - service->counted_ms >= STRESS_SERVICE_REST_MS;
}

static enum stress_processes look_at_processes(struct stress_service *service)
{
    struct smtpd_count count;
    struct error error;
    if (!port_sensor_count_processes(service->sensor, &count, &error))
        return STRESS_PROCESSES_UNSEEN;
    return count.stressed > 0 ? STRESS_PROCESSES_STRESSED : STRESS_PROCESSES_CALM;
}

static bool look_at_sessions(struct stress_service *service, int64_t now_ms,
                             int ended_r[static SESSION_ENDING_COUNT])
{
    const struct inode_set *excluded;
    bool is_due = service->sessions_ms == 0 ||
                  now_ms - service->sessions_ms >= STRESS_SERVICE_SESSIONS_MS;
    if (!is_due || !port_sensor_get_excluded(service->sensor, &excluded))
        return false;
    service->sessions_ms = now_ms;
    if (!service->sessions)
        service->sessions = session_watch_open((uint16_t)service->settings.port);
    return session_watch_look(service->sessions, excluded, ended_r);
}

void stress_service_glance(struct stress_service *service, bool is_session_wanted,
                           int64_t now_ms, struct stress_glance *glance_r)
{
    glance_r->processes = look_at_processes(service);
    glance_r->has_sessions =
        is_session_wanted && look_at_sessions(service, now_ms, glance_r->ended);
}

void stress_service_take_glance(struct stress_service *service,
                                const struct stress_glance *glance, int64_t now_ms)
{
    if (glance->processes == STRESS_PROCESSES_STRESSED)
        stress_note_flag_up(&service->stress, now_ms);
    else if (glance->processes == STRESS_PROCESSES_CALM)
        stress_note_flag_down(&service->stress);
    if (glance->has_sessions)
        stress_note_sessions_ended(&service->stress, glance->ended, now_ms);
}

/* What is told */

void stress_service_tell_change(const struct stress_service *service, enum level before,
                                struct level_change *change_r)
{
    const struct pressure *pressure = &service->stress.pressure;
    *change_r = (struct level_change){.from = before,
                                      .to = service->level,
                                      .source = service->level_source,
                                      .pressure = pressure->value,
                                      .driver = pressure->driver};
    snprintf(change_r->service, sizeof(change_r->service), "%s", service->settings.name);
    log_info("service=%s level=%s before=%s by=%s pressure=%.2f driver=%s busy=%d waiting=%d "
             "slot_limit=%d postfix_stress=%s",
             service->settings.name, level_name(service->level), level_name(before),
             level_source_name(service->level_source), pressure->value,
             sensor_name(pressure->driver), pressure->busy, pressure->waiting,
             pressure->slot_limit, pressure->is_postfix_stressed ? "yes" : "no");
}

void stress_service_describe(const struct stress_service *service, int64_t now_ms,
                             struct service_state *state_r)
{
    const struct pressure *pressure = &service->stress.pressure;
    const struct sensor_values *values = &service->stress.values;
    service_state_init(state_r);
    snprintf(state_r->name, sizeof(state_r->name), "%s", service->settings.name);
    state_r->port = (int)service->settings.port;
    state_r->level = service->level;
    state_r->level_source = service->level_source;
    state_r->level_age_s = (now_ms - service->level_since_ms) / 1000;
    state_r->is_postfix_stressed = stress_is_flag_up(&service->stress, now_ms);
    if (service->has_limit)
        state_r->slot_limit = service->limit.processes;
    if (!service->is_measured)
        return;
    state_r->driver = pressure->driver;
    if (pressure->driver != SENSOR_NONE)
        state_r->pressure = pressure->value;
    state_r->busy = values->busy;
    state_r->waiting = values->waiting;
    state_r->sessions = service->exact_busy >= 0 ? service->exact_busy : values->busy;
    state_r->wait_s = sensor_table[SENSOR_WAIT_TIME].number(values);
}
