#include "milter/live_config.h"
#include "t/unit/tap.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  5000

static void *use(void *context)
{
    struct live_config *live = context;
    int64_t sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const struct config *config = live_config_acquire(live);
        sum += config->milter.silent_after_s;
        live_config_release(live, config);
    }
    return sum > 0 ? live : NULL;
}

static struct config *config_with(int64_t silent_after_s)
{
    struct config *config = config_default();
    config->milter.silent_after_s = silent_after_s;
    return config;
}

int main(void)
{
    struct live_config *live = live_config_create(config_with(1));
    const struct config *first = live_config_acquire(live);
    const struct config *again = live_config_acquire(live);
    ok(first == again && first->milter.silent_after_s == 1, "the snapshot in force");

    live_config_replace(live, config_with(2));
    const struct config *second = live_config_acquire(live);
    ok(second->milter.silent_after_s == 2, "a new one is in force at once");
    live_config_replace(live, config_with(3));
    ok(first->milter.silent_after_s == 1 && second->milter.silent_after_s == 2,
       "those in use stay as they were");
    live_config_release(live, first);
    ok(again->milter.silent_after_s == 1, "... until the last user is gone");
    live_config_release(live, second);
    live_config_release(live, again);

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, use, live);
    for (int i = 0; i < 200; i++)
        live_config_replace(live, config_with(4 + i));
    bool is_well = true;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        is_well = is_well && result == live;
    }
    ok(is_well, "threads use it while it is replaced");
    live_config_free(live);
    live_config_free(NULL);
    return done_testing();
}
