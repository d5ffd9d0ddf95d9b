#include "t/bench/flood/flood.h"

#include "common/memory.h"
#include "t/bench/flood/random.h"
#include "t/bench/flood/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define OTHER_DESCRIPTORS 64

int64_t flood_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double flood_elapsed_s(const struct flood *flood)
{
    return (double)(flood_now_ns() - flood->begin_ns) / 1e9;
}

struct timeval flood_timeval(double seconds)
{
    struct timeval interval = {0};

    if (seconds > 0) {
        interval.tv_sec = (time_t)seconds;
        interval.tv_usec = (suseconds_t)((seconds - (double)interval.tv_sec) * 1e6);
    }
    return interval;
}

/* As many descriptors as the scenario may need at once. */
static bool raise_descriptor_limit(const struct scenario *scenario, struct error *error)
{
    struct rlimit limit;
    rlim_t wanted = OTHER_DESCRIPTORS;

    for (size_t i = 0; i < scenario->group_count; i++)
        wanted += scenario->groups[i].concurrency;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return true;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    return error_set(error, "cannot have %llu descriptors: raise ulimit -n",
                     (unsigned long long)wanted);
}

static void on_second(evutil_socket_t descriptor, short what, void *argument)
{
    struct flood *flood = argument;
    (void)descriptor;
    (void)what;

    flood->second++;
    if (!report_second(flood, stdout)) {
        flood->is_unread = true;
        event_base_loopbreak(flood->base);
    }
}

/* The timer of the last second may come after that of the end. */
static void on_end(evutil_socket_t descriptor, short what, void *argument)
{
    struct flood *flood = argument;
    (void)descriptor;
    (void)what;

    if (flood->second + 1 <= (unsigned)flood->scenario->seconds)
        on_second(-1, 0, flood);
    event_base_loopbreak(flood->base);
}

static void on_signal(evutil_socket_t descriptor, short what, void *argument)
{
    struct flood *flood = argument;
    (void)descriptor;
    (void)what;
    event_base_loopbreak(flood->base);
}

static void open_timers(struct flood *flood)
{
    struct timeval second = {.tv_sec = 1};
    struct timeval end = flood_timeval(flood->scenario->seconds);

    flood->second_timer = event_new(flood->base, -1, EV_PERSIST, on_second, flood);
    flood->end_timer = event_new(flood->base, -1, 0, on_end, flood);
    flood->interrupt = evsignal_new(flood->base, SIGINT, on_signal, flood);
    flood->terminate = evsignal_new(flood->base, SIGTERM, on_signal, flood);
    event_add(flood->second_timer, &second);
    event_add(flood->end_timer, &end);
    event_add(flood->interrupt, NULL);
    event_add(flood->terminate, NULL);
}

static void open_flood(struct flood *flood, const struct scenario *scenario)
{
    uint64_t seed = scenario->seed;

    flood->scenario = scenario;
    flood->server.sin_family = AF_INET;
    flood->server.sin_addr.s_addr = htonl(scenario->host);
    flood->server.sin_port = htons(scenario->port);
    flood->groups = memory_allocate(scenario->group_count, sizeof *flood->groups);
    flood->group_count = scenario->group_count;
    flood->begin_ns = flood_now_ns();
    flood->planned_end_ns = flood->begin_ns + (int64_t)(scenario->seconds * 1e9);
    for (size_t i = 0; i < flood->group_count; i++)
        group_open(&flood->groups[i], flood, &scenario->groups[i], random_next(&seed));
    open_timers(flood);
}

static void close_flood(struct flood *flood)
{
    for (size_t i = 0; i < flood->group_count; i++)
        group_close(&flood->groups[i]);
    free(flood->groups);
    event_free(flood->second_timer);
    event_free(flood->end_timer);
    event_free(flood->interrupt);
    event_free(flood->terminate);
    event_base_free(flood->base);
}

bool flood_run(const struct scenario *scenario, struct error *error)
{
    struct flood flood = {0};

    if (!raise_descriptor_limit(scenario, error))
        return false;
    signal(SIGPIPE, SIG_IGN);
    flood.base = event_base_new();
    if (flood.base == NULL)
        return error_set(error, "no event loop");
    open_flood(&flood, scenario);
    event_base_dispatch(flood.base);
    for (size_t i = 0; i < flood.group_count; i++)
        group_end(&flood.groups[i]);
    bool is_printed = !flood.is_unread && report_summary(&flood, stdout);
    close_flood(&flood);
    return is_printed || error_set(error, "cannot write the report");
}
