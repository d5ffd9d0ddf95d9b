#include "host/pressure_source.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/slot_limit.h"
#include "host/sock_diag.h"

#include <pthread.h>
#include <stdlib.h>

enum sensor_state { SENSOR_NEW, SENSOR_WORKS, SENSOR_BLIND };

/* Admitted sessions, as a share of the slots, that make a kept reading too old. */
#define ADMITTED_SHARE 20
/* Even then a reading is kept for this part of its time: no more than 20 % of a CPU. */
#define EARLY_PART 6

struct reading {
    bool is_taken; /* the rest means something */
    bool is_good;
    int64_t at_ms, keep_ms;
    int admitted; /* since then */
    struct port_usage usage;
};

struct pressure_source {
    pthread_mutex_t mutex; /* of all below */
    struct service_settings settings;
    struct slot_limit limit;
    struct sock_diag *diag;
    bool is_proc_reported;
    struct reading all;                       /* busy slots and waiting clients */
    struct reading queue;                     /* waiting clients alone */
    enum sensor_state all_state, queue_state; /* as last logged */
};

static void settings_copy(struct service_settings *copy,
                          const struct service_settings *settings)
{
    *copy = *settings;
    copy->name = memory_copy_string(settings->name);
    copy->postfix_config_directory = memory_copy_string(settings->postfix_config_directory);
}

static void settings_free(struct service_settings *settings)
{
    free(settings->name);
    free(settings->postfix_config_directory);
}

static bool find_limit(const struct service_settings *settings, struct slot_limit *limit_r,
                       struct error *error)
{
    if (!slot_limit_resolve(settings, limit_r, error))
        return false;
    if (limit_r->warning.text[0])
        log_warning("%s", limit_r->warning.text);
    return true;
}

struct pressure_source *pressure_source_open(const struct service_settings *settings,
                                             struct error *error)
{
    struct slot_limit limit;
    if (!find_limit(settings, &limit, error))
        return NULL;
    struct pressure_source *source = memory_allocate(1, sizeof(*source));
    pthread_mutex_init(&source->mutex, NULL);
    settings_copy(&source->settings, settings);
    source->limit = limit;
    source->diag = sock_diag_open((uint16_t)settings->port);
    return source;
}

void pressure_source_close(struct pressure_source *source)
{
    if (!source)
        return;
    sock_diag_close(source->diag);
    settings_free(&source->settings);
    pthread_mutex_destroy(&source->mutex);
    free(source);
}

bool pressure_source_refresh(struct pressure_source *source,
                             const struct service_settings *settings, struct error *error)
{
    struct service_settings wanted;
    struct slot_limit limit;

    pthread_mutex_lock(&source->mutex);
    settings_copy(&wanted, settings ? settings : &source->settings);
    pthread_mutex_unlock(&source->mutex);
    if (!find_limit(&wanted, &limit, error)) {
        settings_free(&wanted);
        return false;
    }

    pthread_mutex_lock(&source->mutex);
    if (wanted.port != source->settings.port) {
        sock_diag_close(source->diag);
        source->diag = sock_diag_open((uint16_t)wanted.port);
        source->all.is_taken = source->queue.is_taken = false;
        source->all_state = source->queue_state = SENSOR_NEW;
    }
    settings_free(&source->settings);
    source->settings = wanted;
    source->limit = limit;
    pthread_mutex_unlock(&source->mutex);
    return true;
}

/* One line for each change, whoever it was that noticed. */
static void report(enum sensor_state *state, bool is_good, const char *what, const char *reason)
{
    enum sensor_state now = is_good ? SENSOR_WORKS : SENSOR_BLIND;
    if (now == *state)
        return;
    if (!is_good)
        log_warning("%s cannot be measured: %s", what, reason);
    else if (*state == SENSOR_BLIND)
        log_info("%s can be measured again", what);
    *state = now;
}

static void report_proc(struct pressure_source *source)
{
    if (sock_diag_uses_netlink(source->diag) || source->is_proc_reported)
        return;
    log_warning("sock_diag(7) is not permitted here (AF_NETLINK): connections are counted in "
                "/proc/net/tcp, which is slower");
    source->is_proc_reported = true;
}

static void take_reading(struct pressure_source *source, struct reading *reading,
                         int64_t now_ms, struct error *error)
{
    int64_t start_us = clock_thread_us();
    *reading = (struct reading){.is_taken = true, .at_ms = now_ms};
    reading->is_good = reading == &source->all
                           ? sock_diag_read(source->diag, &reading->usage, error)
                           : sock_diag_read_listeners(source->diag, &reading->usage, error);
    int64_t keep_ms = (clock_thread_us() - start_us) * PRESSURE_CACHE_COSTS / 1000;
    reading->keep_ms = keep_ms < PRESSURE_CACHE_MS       ? PRESSURE_CACHE_MS
                       : keep_ms > PRESSURE_CACHE_MAX_MS ? PRESSURE_CACHE_MAX_MS
                                                         : keep_ms;
    report_proc(source);
    if (reading->is_good && reading->usage.listeners == 0)
        reading->is_good = error_set(error,
                                     "nothing listens on port %d here: is Postfix running, and "
                                     "is service.port right?",
                                     (int)source->settings.port);
}

static bool is_too_old(const struct pressure_source *source, const struct reading *reading,
                       int64_t now_ms)
{
    int64_t age_ms = now_ms - reading->at_ms;
    bool is_overtaken =
        reading->admitted > 0 && reading->admitted >= source->limit.processes / ADMITTED_SHARE;
    return !reading->is_taken || age_ms < 0 || age_ms >= reading->keep_ms ||
           (is_overtaken && age_ms >= reading->keep_ms / EARLY_PART);
}

static const struct reading *current_all(struct pressure_source *source, int64_t now_ms)
{
    struct error error = {""};
    if (is_too_old(source, &source->all, now_ms)) {
        take_reading(source, &source->all, now_ms, &error);
        report(&source->all_state, source->all.is_good, "pressure", error.text);
    }
    return &source->all;
}

/* The newer of the two readings that have the queue. */
static const struct reading *current_queue(struct pressure_source *source, int64_t now_ms)
{
    struct error error = {""};
    int64_t age_ms = now_ms - source->all.at_ms;
    if (source->all.is_taken && age_ms >= 0 && age_ms < PRESSURE_CACHE_MS)
        return &source->all;
    if (is_too_old(source, &source->queue, now_ms)) {
        take_reading(source, &source->queue, now_ms, &error);
        report(&source->queue_state, source->queue.is_good, "the queue of waiting clients",
               error.text);
    }
    return &source->queue;
}

static void fill(struct pressure *pressure_r, int busy, int waiting, int slot_limit)
{
    *pressure_r = (struct pressure){
        .is_known = true,
        .slots = (double)busy / slot_limit,
        .value = ((double)busy + waiting) / slot_limit,
        .busy = busy,
        .waiting = waiting,
        .slot_limit = slot_limit,
    };
}

void pressure_source_read(struct pressure_source *source, int64_t now_ms,
                          struct pressure *pressure_r)
{
    pthread_mutex_lock(&source->mutex);
    *pressure_r = (struct pressure){.slot_limit = source->limit.processes};
    if (source->limit.is_behind_postscreen)
        report(&source->all_state, false, "pressure",
               "the connections are postscreen's as well as smtpd's: run the milter, which "
               "sees smtpd's alone");
    else if (current_all(source, now_ms)->is_good)
        fill(pressure_r, source->all.usage.busy + source->all.admitted,
             current_queue(source, now_ms)->usage.waiting, source->limit.processes);
    pthread_mutex_unlock(&source->mutex);
}

void pressure_source_note_admitted(struct pressure_source *source)
{
    pthread_mutex_lock(&source->mutex);
    if (source->all.admitted < source->limit.processes)
        source->all.admitted++;
    pthread_mutex_unlock(&source->mutex);
}

void pressure_source_read_exact(struct pressure_source *source, int busy_now, int64_t now_ms,
                                struct pressure *pressure_r)
{
    pthread_mutex_lock(&source->mutex);
    fill(pressure_r, busy_now, current_queue(source, now_ms)->usage.waiting,
         source->limit.processes);
    pthread_mutex_unlock(&source->mutex);
}

int pressure_source_slot_limit(struct pressure_source *source)
{
    pthread_mutex_lock(&source->mutex);
    int slot_limit = source->limit.processes;
    pthread_mutex_unlock(&source->mutex);
    return slot_limit;
}
