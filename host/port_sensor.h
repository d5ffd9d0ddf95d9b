/*
 * port_sensor - what the kernel and /proc tell of one service: busy slots, clients that wait
 * and how long, what was dropped, smtpd processes. With postscreen(8) in front, too.
 *
 * Readings are kept, so that the sensor stays cheap however often it is asked: see below.
 * Behind postscreen the connections of the port are its own as well as smtpd's. Where we may
 * look (root, CAP_SYS_PTRACE) its own are left out; else no more slots can be busy than there
 * are smtpd processes. Clients it holds for smtpd wait in the queue of the smtpd socket.
 *
 * Belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_PORT_SENSOR_H
#define POSTVALVE_HOST_PORT_SENSOR_H

#include "common/error.h"
#include "host/slot_limit.h"
#include "host/smtpd_processes.h"

#include <stdbool.h>
#include <stdint.h>

/* The queue of waiting clients is asked for this often: 10 us of CPU. */
#define PORT_SENSOR_QUEUE_MS 10
/* What asks the kernel for all connections costs 0.2 ms at rest, and some milliseconds when a
 * flood has left its tens of thousands in TIME_WAIT. Such a reading is kept for so many times
 * of what it took: a fifteenth of a CPU at most, and less than a hundredth while it is quiet.
 */
#define PORT_SENSOR_COSTS        15
#define PORT_SENSOR_COSTS_QUIET  300
#define PORT_SENSOR_KEEP_MIN_MS  10
#define PORT_SENSOR_KEEP_MAX_MS  1000
#define PORT_SENSOR_QUIET_MAX_MS 150

struct inode_set;
struct port_sensor;

struct port_reading {
    int busy;                /* -1: not known */
    int waiting;             /* for a slot */
    int backlog_limit;       /* of the port; 0: not known */
    int64_t longest_wait_ms; /* -1: not known */
    int64_t drops;           /* since the listeners began; -1: not known */
};

enum port_age {
    PORT_AGE_KEPT, /* a kept reading will do */
    PORT_AGE_NEW   /* as new as the costs allow: something moves */
};

/* service may be NULL: not known yet. */
struct port_sensor *port_sensor_open(uint16_t port, const struct slot_limit *service);
void port_sensor_close(struct port_sensor *sensor);
void port_sensor_set_service(struct port_sensor *sensor, const struct slot_limit *service);
/* With fewer busy and waiting than this it is quiet. 0, at first: never. */
void port_sensor_set_quiet_below(struct port_sensor *sensor, int count);

/* Everything. False, and nothing is known: nobody listens on the port. busy -1, with the error
 * set: behind postscreen, and neither its sockets nor smtpd's processes can be seen. */
bool port_sensor_read(struct port_sensor *sensor, enum port_age age, int64_t now_ms,
                      struct port_reading *reading_r, struct error *error);
/* When connections were last counted: the time of that reading; 0: never. */
int64_t port_sensor_counted_ms(const struct port_sensor *sensor);
/* Whose connections are no sessions, as of the last reading: postscreen's; NULL: nobody's.
 * False: they cannot be told from sessions. */
bool port_sensor_get_excluded(const struct port_sensor *sensor,
                              const struct inode_set **excluded_r);
/* All but busy, for who counts that himself. */
bool port_sensor_read_queue(struct port_sensor *sensor, int64_t now_ms,
                            struct port_reading *reading_r, struct error *error);
/* A session begins (CONNECT): 1. A kept reading does not have it yet, so it counts as busy
 * until the next one, and many such sessions (5 % of the slots) make that come early: this
 * keeps a burst that is faster than the sensor below the ceilings. To be called before the
 * reading by which the session is judged; not for sessions first seen later (RCPT), which are
 * in the reading. It was hung up on at once: -1. */
void port_sensor_add_sessions(struct port_sensor *sensor, int change);

/* The smtpd processes of the service, looked for now. */
bool port_sensor_count_processes(struct port_sensor *sensor, struct smtpd_count *count_r,
                                 struct error *error);
/* False: connections are counted in /proc/net/tcp, which costs twenty times as much. */
bool port_sensor_uses_netlink(const struct port_sensor *sensor);
/* Behind postscreen, and its sockets cannot be told from smtpd's: busy is a bound from above.
 */
bool port_sensor_is_estimating(const struct port_sensor *sensor);

#endif
