#include "host/own_numbers.h"

#include "host/clock.h"
#include "host/count.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_INTERVAL_MS 10000 /* with many connections it takes a millisecond */

/* -- the process -------------------------------------------------------------------------- */

static int64_t to_ms(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000 + time->tv_usec / 1000;
}

void own_numbers_count_cpu(struct own_numbers *own)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    const int64_t now_ms[] = {to_ms(&usage.ru_utime), to_ms(&usage.ru_stime)};
    for (unsigned mode = 0; mode < 2; mode++) {
        if (now_ms[mode] > own->cpu_ms[mode])
            COUNT_ADD(CPU_TIME, (uint64_t)(now_ms[mode] - own->cpu_ms[mode]), mode);
        own->cpu_ms[mode] = now_ms[mode];
    }
}

/* proc(5): the second number of statm is the resident set in pages. */
static void count_memory(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return;
    text[length] = '\0';
    char *end;
    strtol(text, &end, 10);
    SET_GAUGE(RESIDENT_MEMORY, strtol(end, NULL, 10) * sysconf(_SC_PAGESIZE));
}

static void count_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int files = -3; /* ".", "..", and this directory */
    if (!directory)
        return;
    while (readdir(directory))
        files++;
    closedir(directory);
    SET_GAUGE(OPEN_FILES, files);
}

static void count_process(struct own_numbers *own, int64_t now_ms)
{
    own_numbers_count_cpu(own);
    count_memory();
    if (now_ms >= own->files_at_ms) {
        count_files();
        own->files_at_ms = now_ms + FILES_INTERVAL_MS;
    }
    if (own->start_s == 0)
        own->start_s = clock_wall_s();
    SET_GAUGE(START_TIME, own->start_s);
}

/* -- the service -------------------------------------------------------------------------- */

static void count_service_now(const struct service_state *service, unsigned value)
{
    if (service->pressure >= 0) {
        int64_t permille = (int64_t)(service->pressure * 1000 + 0.5);
        OBSERVE(PRESSURE, permille, value);
        SET_GAUGE(PRESSURE_NOW, permille, value);
    }
    if (service->busy >= 0)
        SET_GAUGE(SLOTS_BUSY, service->busy, value);
    if (service->slot_limit >= 0)
        SET_GAUGE(SLOT_LIMIT, service->slot_limit, value);
    if (service->waiting >= 0)
        SET_GAUGE(CLIENTS_WAITING, service->waiting, value);
}

static void count_level(const struct service_state *service, unsigned value, int64_t elapsed_ms)
{
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        SET_GAUGE(LEVEL_NOW, level == (unsigned)service->level, value, level);
    if (elapsed_ms > 0)
        COUNT_ADD(LEVEL_TIME, (uint64_t)elapsed_ms, value, service->level);
}

void own_numbers_count(struct own_numbers *own, const struct host_state *state, int64_t now_ms)
{
    int64_t elapsed_ms = own->level_at_ms == 0 ? 0 : now_ms - own->level_at_ms;
    count_process(own, now_ms);
    for (size_t i = 0; i < state->service_count; i++) {
        unsigned value = count_service(state->services[i].name);
        count_service_now(&state->services[i], value);
        count_level(&state->services[i], value, elapsed_ms);
    }
    own->level_at_ms = now_ms;
}
