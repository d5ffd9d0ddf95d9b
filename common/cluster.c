#include "common/cluster.h"

#include "common/host_state.h"

#define STRESSED_MIN 2 /* hosts: one may be broken, or lie */

bool cluster_add(struct cluster_summary *summary, const struct host_state *state,
                 int64_t redis_now_ms)
{
    if (!host_state_is_fresh(state, redis_now_ms))
        return false;
    enum level level = host_state_level(state);
    summary->hosts++;
    if (level >= LEVEL_STRESSED)
        summary->stressed++;
    if (level > summary->highest)
        summary->highest = level;
    for (size_t i = 0; i < state->service_count; i++)
        if (state->services[i].pressure > summary->highest_pressure)
            summary->highest_pressure = state->services[i].pressure;
    return true;
}

enum level cluster_floor(const struct cluster_summary *summary,
                         const struct cluster_settings *settings)
{
    bool is_following = settings->follow == CLUSTER_FOLLOW_ELEVATED &&
                        summary->stressed >= STRESSED_MIN &&
                        summary->stressed >= settings->follow_share * summary->hosts;
    return is_following ? LEVEL_ELEVATED : LEVEL_CALM;
}

enum level cluster_effective_level(enum level own, enum level floor,
                                   const struct override_effect *effect,
                                   enum level_source *source_r)
{
    if (effect->is_level_forced) {
        *source_r = LEVEL_BY_OVERRIDE;
        return effect->level;
    }
    *source_r = floor > own ? LEVEL_BY_CLUSTER : LEVEL_BY_SENSORS;
    return floor > own ? floor : own;
}
