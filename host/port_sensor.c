#include "host/port_sensor.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/inode_set.h"
#include "host/sock_diag.h"
#include "host/unix_queue.h"

#include <stdlib.h>

/* Sessions that came, as a share of the slots, that make a kept reading too old. */
#define ARRIVED_SHARE 20
/* Even then a reading is kept for this part of its time: no more than 20 % of a CPU. */
#define EARLY_PART 6

struct kept {
    bool is_taken; /* the rest means something */
    bool is_good;
    struct error error; /* where not */
    int64_t at_ms;
    int64_t taken_us; /* by this reading */
    int64_t cost_us;  /* what one costs: a single dear one says more about this machine */
    struct port_usage usage;
};

struct port_sensor {
    uint16_t port;
    struct slot_limit service;
    int quiet_below;
    struct sock_diag *diag;
    struct smtpd_processes *processes; /* NULL: the queue directory is not known */
    struct unix_queue *handover;       /* from postscreen to smtpd; NULL: no postscreen */
    struct inode_set postscreen;       /* its sockets */
    bool is_estimating;
    int process_bound; /* behind postscreen: busy slots at most; -1: not known */
    struct kept all;   /* all connections, with the longest wait if anybody waited */
    struct kept queue; /* the listeners alone */
    int arrived;       /* since all was read */
};

static void close_service(struct port_sensor *sensor)
{
    smtpd_processes_close(sensor->processes);
    unix_queue_close(sensor->handover);
    sensor->processes = NULL;
    sensor->handover = NULL;
}

void port_sensor_set_service(struct port_sensor *sensor, const struct slot_limit *service)
{
    close_service(sensor);
    sensor->service = *service;
    sensor->all.is_taken = false;
    sensor->is_estimating = false;
    sock_diag_exclude(sensor->diag, NULL);
    if (!service->queue_directory[0])
        return;
    sensor->processes = smtpd_processes_open(service->queue_directory);
    if (service->is_behind_postscreen && service->service_count > 0)
        sensor->handover = unix_queue_open(service->queue_directory, service->services[0].name);
}

struct port_sensor *port_sensor_open(uint16_t port, const struct slot_limit *service)
{
    struct port_sensor *sensor = memory_allocate(1, sizeof(*sensor));
    sensor->port = port;
    sensor->diag = sock_diag_open(port);
    if (service)
        port_sensor_set_service(sensor, service);
    return sensor;
}

void port_sensor_close(struct port_sensor *sensor)
{
    if (!sensor)
        return;
    close_service(sensor);
    sock_diag_close(sensor->diag);
    inode_set_release(&sensor->postscreen);
    free(sensor);
}

void port_sensor_set_quiet_below(struct port_sensor *sensor, int count)
{
    sensor->quiet_below = count;
}

bool port_sensor_uses_netlink(const struct port_sensor *sensor)
{
    return sock_diag_uses_netlink(sensor->diag);
}

bool port_sensor_is_estimating(const struct port_sensor *sensor)
{
    return sensor->is_estimating;
}

/* Processes */

static struct smtpd_count count_processes(const struct port_sensor *sensor)
{
    struct smtpd_count sum = {0, 0};
    for (size_t i = 0; i < sensor->service.service_count; i++) {
        const struct master_service *service = &sensor->service.services[i];
        struct smtpd_count count =
            smtpd_processes_count(sensor->processes, service->name, service->type);
        sum.processes += count.processes;
        sum.stressed += count.stressed;
    }
    return sum;
}

bool port_sensor_count_processes(struct port_sensor *sensor, struct smtpd_count *count_r,
                                 struct error *error)
{
    if (!sensor->processes || sensor->service.service_count == 0)
        return error_set(error, "Postfix's service on port %d is not known", sensor->port);
    if (!smtpd_processes_scan(sensor->processes, error))
        return false;
    *count_r = count_processes(sensor);
    return true;
}

/* Its sockets first: what it accepts after this look is counted, but never more than there are
 * processes. */
static void look_behind_postscreen(struct port_sensor *sensor)
{
    struct smtpd_count count;
    struct error error;
    sensor->process_bound =
        port_sensor_count_processes(sensor, &count, &error) ? count.processes : -1;
    bool is_seen = sensor->process_bound >= 0 &&
                   smtpd_processes_postscreen(sensor->processes, &sensor->postscreen, &error);
    sensor->is_estimating = !is_seen;
    sock_diag_exclude(sensor->diag, is_seen ? &sensor->postscreen : NULL);
}

/* Readings */

static void take(struct port_sensor *sensor, struct kept *kept, int64_t now_ms, bool has_wait)
{
    int64_t start_us = clock_thread_us();
    int64_t before_us = kept->taken_us;
    struct error *error = &kept->error;
    *kept = (struct kept){.is_taken = true, .at_ms = now_ms};
    if (kept == &sensor->queue) {
        kept->is_good = sock_diag_read_listeners(sensor->diag, &kept->usage, error);
    } else {
        if (sensor->service.is_behind_postscreen)
            look_behind_postscreen(sensor);
        kept->is_good = has_wait ? sock_diag_read_wait(sensor->diag, &kept->usage, error)
                                 : sock_diag_read(sensor->diag, &kept->usage, error);
        sensor->arrived = 0;
    }
    kept->taken_us = clock_thread_us() - start_us;
    kept->cost_us = before_us > 0 && before_us < kept->taken_us ? before_us : kept->taken_us;
    if (kept->is_good && kept->usage.listeners == 0)
        kept->is_good = error_set(error,
                                  "nothing listens on port %d here: is Postfix running, and is "
                                  "the port right?",
                                  sensor->port);
}

static int64_t clamp(int64_t value, int64_t minimum, int64_t maximum)
{
    return value < minimum ? minimum : value > maximum ? maximum : value;
}

static int64_t keep_ms(const struct port_sensor *sensor, enum port_age age)
{
    const struct kept *all = &sensor->all;
    bool is_quiet =
        age == PORT_AGE_KEPT && all->is_good &&
        all->usage.busy + all->usage.waiting + sensor->arrived < sensor->quiet_below;
    if (is_quiet)
        return clamp(all->cost_us * PORT_SENSOR_COSTS_QUIET / 1000, PORT_SENSOR_KEEP_MIN_MS,
                     PORT_SENSOR_QUIET_MAX_MS);
    return clamp(all->cost_us * PORT_SENSOR_COSTS / 1000, PORT_SENSOR_KEEP_MIN_MS,
                 PORT_SENSOR_KEEP_MAX_MS);
}

static bool is_young(const struct kept *kept, int64_t now_ms, int64_t within_ms)
{
    int64_t age_ms = now_ms - kept->at_ms;
    return kept->is_taken && age_ms >= 0 && age_ms < within_ms;
}

static const struct kept *current_queue(struct port_sensor *sensor, int64_t now_ms)
{
    if (!is_young(&sensor->queue, now_ms, PORT_SENSOR_QUEUE_MS))
        take(sensor, &sensor->queue, now_ms, false);
    return &sensor->queue;
}

static const struct kept *current_all(struct port_sensor *sensor, enum port_age age,
                                      bool has_wait, int64_t now_ms)
{
    struct kept *all = &sensor->all;
    int64_t within_ms = keep_ms(sensor, age);
    bool is_overtaken =
        sensor->arrived > 0 && sensor->arrived >= sensor->service.processes / ARRIVED_SHARE;
    if (is_overtaken)
        within_ms /= EARLY_PART;
    if (!is_young(all, now_ms, within_ms))
        take(sensor, all, now_ms, has_wait);
    return all;
}

static void fill_queue(struct port_sensor *sensor, const struct kept *queue,
                       struct port_reading *reading)
{
    int handover = 0;
    if (sensor->handover && unix_queue_read(sensor->handover, &handover))
        reading->waiting += handover;
    reading->waiting += queue->usage.waiting;
    reading->backlog_limit = queue->usage.backlog_limit;
    reading->drops = queue->usage.drops;
    reading->longest_wait_ms = queue->usage.waiting == 0 && handover == 0 ? 0 : -1;
}

/* How long somebody has waited in the meantime comes with the next reading of it. */
static void fill_wait(const struct kept *all, int64_t now_ms, struct port_reading *reading)
{
    if (all->is_good && all->usage.longest_wait_ms > 0 && reading->longest_wait_ms < 0)
        reading->longest_wait_ms = all->usage.longest_wait_ms + (now_ms - all->at_ms);
}

static bool fail(struct port_reading *reading_r, const struct kept *kept, struct error *error)
{
    *reading_r =
        (struct port_reading){.busy = -1, .waiting = -1, .longest_wait_ms = -1, .drops = -1};
    return error_set(error, "%s", kept->error.text);
}

static int count_busy(const struct port_sensor *sensor, const struct kept *all,
                      struct error *error)
{
    int busy = all->usage.busy;
    if (sensor->service.is_behind_postscreen && busy > sensor->process_bound) {
        if (sensor->process_bound < 0 && sensor->is_estimating) {
            error_set(error,
                      "the connections are postscreen's as well as smtpd's, and /proc does not "
                      "show which: run the milter, which sees smtpd's alone");
            return -1;
        }
        busy = sensor->process_bound;
    }
    return busy + sensor->arrived;
}

bool port_sensor_read(struct port_sensor *sensor, enum port_age age, int64_t now_ms,
                      struct port_reading *reading_r, struct error *error)
{
    *reading_r = (struct port_reading){.busy = -1};
    const struct kept *queue = current_queue(sensor, now_ms);
    if (!queue->is_good)
        return fail(reading_r, queue, error);
    bool is_waiting = queue->usage.waiting > 0;
    const struct kept *all =
        current_all(sensor, is_waiting ? PORT_AGE_NEW : age, is_waiting, now_ms);
    if (!all->is_good)
        return fail(reading_r, all, error);
    fill_queue(sensor, queue, reading_r);
    fill_wait(all, now_ms, reading_r);
    reading_r->busy = count_busy(sensor, all, error);
    return true;
}

bool port_sensor_get_excluded(const struct port_sensor *sensor,
                              const struct inode_set **excluded_r)
{
    *excluded_r = sensor->service.is_behind_postscreen ? &sensor->postscreen : NULL;
    return sensor->all.is_taken && !sensor->is_estimating;
}

int64_t port_sensor_counted_ms(const struct port_sensor *sensor)
{
    return sensor->all.is_taken ? sensor->all.at_ms : 0;
}

bool port_sensor_read_queue(struct port_sensor *sensor, int64_t now_ms,
                            struct port_reading *reading_r, struct error *error)
{
    *reading_r = (struct port_reading){.busy = -1};
    const struct kept *queue = current_queue(sensor, now_ms);
    if (!queue->is_good)
        return fail(reading_r, queue, error);
    fill_queue(sensor, queue, reading_r);
    if (queue->usage.waiting > 0)
        fill_wait(current_all(sensor, PORT_AGE_NEW, true, now_ms), now_ms, reading_r);
    return true;
}

void port_sensor_add_sessions(struct port_sensor *sensor, int change)
{
    int arrived = sensor->arrived + change;
    if (arrived >= 0 && arrived <= sensor->service.processes)
        sensor->arrived = arrived;
}
