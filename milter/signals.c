#include "milter/signals.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void fill_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

/* In place of the C library's, for libmilter: see signals.h. */
__attribute__((visibility("default"))) int sigwait(const sigset_t *restrict set,
                                                   int *restrict signal_r)
{
    (void)set;
    (void)signal_r;
    for (;;)
        pause();
}

void signals_block(void)
{
    sigset_t set;
    fill_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int signals_wait(int64_t timeout_ms)
{
    sigset_t set;
    fill_set(&set);
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ms / 1000),
        .tv_nsec = (long)(timeout_ms % 1000) * 1000000L,
    };
    int caught = sigtimedwait(&set, NULL, &timeout);
    return caught > 0 ? caught : 0;
}
