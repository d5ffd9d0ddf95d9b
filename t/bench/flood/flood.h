/*
 * flood - the running scenario: the event loop, its groups, its clock. One thread.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_FLOOD_H
#define POSTVALVE_T_BENCH_FLOOD_FLOOD_H

#include "common/error.h"
#include "t/bench/flood/group.h"
#include "t/bench/flood/scenario.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

struct flood {
    const struct scenario *scenario;
    struct event_base *base;
    struct sockaddr_in server;
    struct group *groups;
    size_t group_count;
    int64_t begin_ns, planned_end_ns;
    unsigned second;
    bool is_unread; /* nobody takes the report */
    struct event *second_timer, *end_timer, *interrupt, *terminate;
};

/* Monotonic. */
int64_t flood_now_ns(void);
double flood_elapsed_s(const struct flood *flood);
/* A negative time is none. */
struct timeval flood_timeval(double seconds);

/* Runs to the end (or SIGINT, SIGTERM) and prints the report on stdout. */
bool flood_run(const struct scenario *scenario, struct error *error);

#endif
