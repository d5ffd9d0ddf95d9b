#include "common/rails.h"

#include <stddef.h>

/* The cap is left only well below its share, so that it does not flap. */
#define LEAVE_SHARE 0.75

static void empty_bucket(struct history_cap *cap, struct history_cap_bucket *bucket)
{
    cap->connections -= bucket->connections;
    cap->by_history -= bucket->by_history;
    bucket->connections = bucket->by_history = 0;
}

/* Empties the buckets that have become too old; returns that of now. */
static struct history_cap_bucket *advance(struct history_cap *cap, int64_t now_ms)
{
    int64_t now = now_ms / HISTORY_CAP_BUCKET_MS;
    if (now > cap->last) {
        for (size_t i = 0; i < HISTORY_CAP_BUCKETS; i++)
            if (cap->buckets[i].number <= now - HISTORY_CAP_BUCKETS)
                empty_bucket(cap, &cap->buckets[i]);
        cap->last = now;
    }
    struct history_cap_bucket *bucket = &cap->buckets[cap->last % HISTORY_CAP_BUCKETS];
    bucket->number = cap->last;
    return bucket;
}

double history_cap_share(const struct history_cap *cap)
{
    return cap->connections ? (double)cap->by_history / (double)cap->connections : 0;
}

static enum history_cap_change judge(struct history_cap *cap,
                                     const struct rails_settings *settings)
{
    bool was_reached = cap->is_reached;
    double share = settings->history_cap_share * (was_reached ? LEAVE_SHARE : 1);
    cap->is_reached = settings->history_cap_share < 1 &&
                      cap->connections >= (uint64_t)settings->history_cap_sample &&
                      history_cap_share(cap) > share;
    if (cap->is_reached == was_reached)
        return HISTORY_CAP_SAME;
    return cap->is_reached ? HISTORY_CAP_REACHED : HISTORY_CAP_LEFT;
}

enum history_cap_change history_cap_count(struct history_cap *cap,
                                          const struct rails_settings *settings,
                                          bool is_by_history, int64_t now_ms)
{
    struct history_cap_bucket *bucket = advance(cap, now_ms);
    bucket->connections++;
    bucket->by_history += is_by_history;
    cap->connections++;
    cap->by_history += is_by_history;
    return judge(cap, settings);
}

bool history_cap_is_reached(struct history_cap *cap, const struct rails_settings *settings,
                            int64_t now_ms)
{
    if (!cap->is_reached)
        return false;
    advance(cap, now_ms);
    return cap->connections >= (uint64_t)settings->history_cap_sample;
}

bool rails_is_shared(const struct rails_settings *settings, int64_t sessions, int64_t behaving)
{
    return settings->shared_sessions > 0 && sessions >= settings->shared_sessions &&
           behaving * 2 >= sessions;
}
