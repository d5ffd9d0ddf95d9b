#include "host/count.h"

#include <pthread.h>

static struct counter_set counters;

struct counter_set *count_set(void)
{
    return &counters;
}

static unsigned name_value(enum counter_label label, const char *name)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    unsigned value = counter_name(&counters, label, slice_from_string(name));
    pthread_mutex_unlock(&mutex);
    return value;
}

unsigned count_list(const char *zone)
{
    return name_value(COUNTER_LABEL_LIST, zone);
}

unsigned count_service(const char *name)
{
    return name_value(COUNTER_LABEL_SERVICE, name);
}
