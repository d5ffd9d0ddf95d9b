#include "host/stress_outside.h"

static int64_t until_ms(int64_t until_s, int64_t redis_now_ms, int64_t now_ms)
{
    return redis_now_ms == 0 ? INT64_MAX : now_ms + (until_s * 1000 - redis_now_ms);
}

void stress_outside_set_override(struct stress_outside *outside,
                                 const struct override_effect *effect, int64_t redis_now_ms,
                                 int64_t now_ms)
{
    outside->override = *effect;
    outside->level_until_ms = until_ms(effect->level_until_s, redis_now_ms, now_ms);
    outside->off_until_ms = until_ms(effect->off_until_s, redis_now_ms, now_ms);
}

bool stress_outside_is_off(const struct stress_outside *outside, int64_t now_ms)
{
    return outside->override.is_off && now_ms < outside->off_until_ms;
}

const struct service_state *stress_outside_service(const struct stress_outside *outside,
                                                   const char *name)
{
    return outside->has_published ? host_state_service(&outside->published, name) : NULL;
}

static enum level floor_of_cluster(const struct stress_outside *outside, int64_t now_ms)
{
    bool is_heard =
        outside->cluster_ms != 0 && now_ms - outside->cluster_ms < HOST_STATE_LEASE_MS;
    return is_heard ? cluster_floor(&outside->cluster, &outside->cluster_settings) : LEVEL_CALM;
}

enum level stress_outside_settle(const struct stress_outside *outside, const char *name,
                                 enum level own, int64_t now_ms, enum level_source *source_r)
{
    const struct service_state *published = stress_outside_service(outside, name);
    struct override_effect effect = outside->override;
    effect.is_level_forced = effect.is_level_forced && now_ms < outside->level_until_ms;
    enum level floor = floor_of_cluster(outside, now_ms);
    /* What is forced we are told ourselves, and sooner that it is over. */
    if (published && published->level_source == LEVEL_BY_SENSORS)
        own = published->level;
    else if (published && published->level_source == LEVEL_BY_CLUSTER)
        floor = published->level;
    return cluster_effective_level(own, floor, &effect, source_r);
}
