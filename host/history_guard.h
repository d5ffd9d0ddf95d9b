/*
 * history_guard - the history cap of rails.h for a whole program: any thread may ask and count,
 * and the log says when it is reached and when it is left.
 */
#ifndef POSTVALVE_HOST_HISTORY_GUARD_H
#define POSTVALVE_HOST_HISTORY_GUARD_H

#include "common/rails.h"

#include <stdbool.h>
#include <stdint.h>

struct history_guard;

struct history_guard *history_guard_create(void);
void history_guard_free(struct history_guard *guard);

bool history_guard_is_reached(struct history_guard *guard,
                              const struct rails_settings *settings, int64_t now_ms);
/* Once a connection, when it is first decided on. True: there is news to take. now_ms:
 * monotonic. */
bool history_guard_count(struct history_guard *guard, const struct rails_settings *settings,
                         bool is_by_history, int64_t now_ms);
/* What is to be told to others, once: false when there is nothing new. */
struct history_cap_news {
    bool is_reached; /* otherwise left */
    double share;
    uint64_t connections;
};
bool history_guard_take_news(struct history_guard *guard, struct history_cap_news *news_r);

#endif
