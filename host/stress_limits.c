#include "host/stress_limits.h"

#include "common/memory.h"
#include "host/stress_service.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct stress_limit_answer {
    struct service_settings settings;
    bool is_found;
    struct slot_limit limit;
    struct error error; /* where not */
};

struct stress_limits {
    size_t count;
    struct stress_limit_answer *answers;
    bool has_thread;
    pthread_t thread;
    atomic_bool is_done;
};

struct stress_limits *stress_limits_create(struct stress_service *const services[],
                                           size_t count, int64_t now_ms)
{
    struct stress_limits *limits = memory_allocate(1, sizeof(*limits));
    limits->answers = memory_allocate(count, sizeof(*limits->answers));
    atomic_init(&limits->is_done, false);
    for (size_t i = 0; i < count; i++) {
        if (!stress_service_needs_limit(services[i], now_ms))
            continue;
        stress_service_note_asked(services[i], now_ms);
        service_settings_copy(&limits->answers[limits->count++].settings,
                              &services[i]->settings);
    }
    if (limits->count > 0)
        return limits;
    stress_limits_free(limits);
    return NULL;
}

void stress_limits_free(struct stress_limits *limits)
{
    if (!limits)
        return;
    if (limits->has_thread)
        pthread_join(limits->thread, NULL);
    for (size_t i = 0; i < limits->count; i++)
        service_settings_release(&limits->answers[i].settings);
    free(limits->answers);
    free(limits);
}

void stress_limits_run(struct stress_limits *limits)
{
    for (size_t i = 0; i < limits->count; i++) {
        struct stress_limit_answer *answer = &limits->answers[i];
        answer->is_found =
            slot_limit_describe(&answer->settings, &answer->limit, &answer->error);
    }
    atomic_store(&limits->is_done, true);
}

static void *run(void *context)
{
    stress_limits_run(context);
    return NULL;
}

void stress_limits_start(struct stress_limits *limits)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    limits->has_thread = pthread_create(&limits->thread, NULL, run, limits) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!limits->has_thread)
        stress_limits_run(limits);
}

bool stress_limits_is_done(struct stress_limits *limits)
{
    return atomic_load(&limits->is_done);
}

void stress_limits_hand_out(const struct stress_limits *limits,
                            struct stress_service *const services[], size_t count)
{
    for (size_t i = 0; i < limits->count; i++) {
        const struct stress_limit_answer *answer = &limits->answers[i];
        for (size_t j = 0; j < count; j++)
            if (services[j]->settings.port == answer->settings.port)
                stress_service_set_limit(services[j], answer->is_found ? &answer->limit : NULL,
                                         &answer->error);
    }
}
