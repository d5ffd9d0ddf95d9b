#include "milter/limits.h"

#include "host/log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

/* A sanitizer keeps data of its own in each thread's stack and makes frames larger. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) ||                           \
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define STACK_FACTOR 32
#else
#define STACK_FACTOR 1
#endif

#define DESCRIPTORS_MAX 262144
#define DESCRIPTORS_OWN 512 /* Redis, log, sensor, libmilter's own */
#define STACK_SIZE      (256 * 1024 * STACK_FACTOR)

static rlim_t raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    rlim_t wanted = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (wanted > limit.rlim_cur) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            log_warning("cannot raise the limit of open files: %s", strerror(errno));
            return before;
        }
    }
    return limit.rlim_cur;
}

static void shrink_stacks(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

size_t limits_set(void)
{
    shrink_stacks();
    rlim_t descriptors = raise_descriptors();
    return descriptors > 2 * DESCRIPTORS_OWN ? (size_t)(descriptors - DESCRIPTORS_OWN)
                                             : (size_t)(descriptors / 2);
}
