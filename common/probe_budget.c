#include "common/probe_budget.h"

#define MS_PER_MINUTE 60000.0

static void fill(struct probe_budget *budget, int64_t per_minute, int64_t now_ms)
{
    double most = (double)per_minute;
    double more = budget->filled_ms == 0
                      ? most
                      : most * (double)(now_ms - budget->filled_ms) / MS_PER_MINUTE;
    if (more < 0)
        more = 0;
    for (int bucket = 0; bucket < PROBE_BUCKET_COUNT; bucket++) {
        budget->left[bucket] += more;
        if (budget->left[bucket] > most)
            budget->left[bucket] = most;
    }
    budget->filled_ms = now_ms;
}

bool probe_budget_has(struct probe_budget *budget, enum probe_bucket bucket, int64_t per_minute,
                      int64_t now_ms)
{
    fill(budget, per_minute, now_ms);
    return per_minute == 0 || budget->left[bucket] >= 1;
}

void probe_budget_take(struct probe_budget *budget, enum probe_bucket bucket)
{
    budget->left[bucket] -= 1;
}

void probe_budget_give_back(struct probe_budget *budget, enum probe_bucket bucket,
                            int64_t per_minute)
{
    if (budget->left[bucket] < (double)per_minute)
        budget->left[bucket] += 1;
}
