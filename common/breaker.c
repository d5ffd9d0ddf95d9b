#include "common/breaker.h"

void breaker_init(struct breaker *breaker, int failure_limit, int64_t retry_ms)
{
    *breaker = (struct breaker){.failure_limit = failure_limit, .retry_ms = retry_ms};
}

bool breaker_would_allow(const struct breaker *breaker, int64_t now_ms)
{
    return breaker->state == BREAKER_CLOSED || now_ms >= breaker->retry_at_ms;
}

bool breaker_allows(struct breaker *breaker, int64_t now_ms)
{
    if (!breaker_would_allow(breaker, now_ms))
        return false;
    if (breaker->state != BREAKER_CLOSED) {
        breaker->state = BREAKER_HALF_OPEN;
        breaker->retry_at_ms = now_ms + breaker->retry_ms; /* when nobody reports on this try */
    }
    return true;
}

bool breaker_success(struct breaker *breaker)
{
    breaker->failures = 0;
    if (breaker->state != BREAKER_HALF_OPEN)
        return false; /* open: a straggler from before; the next try tells */
    breaker->state = BREAKER_CLOSED;
    return true;
}

static bool open_now(struct breaker *breaker, int64_t now_ms)
{
    bool was_closed = breaker->state == BREAKER_CLOSED;
    if (breaker->state == BREAKER_OPEN)
        return false; /* another one that was on its way */
    breaker->state = BREAKER_OPEN;
    breaker->retry_at_ms = now_ms + breaker->retry_ms;
    if (was_closed)
        breaker->opened_at_ms = now_ms;
    return was_closed;
}

bool breaker_failure(struct breaker *breaker, int64_t now_ms)
{
    breaker->failures++;
    if (breaker->state == BREAKER_CLOSED && breaker->failures < breaker->failure_limit)
        return false;
    return open_now(breaker, now_ms);
}

bool breaker_trip(struct breaker *breaker, int64_t now_ms)
{
    breaker->failures = breaker->failure_limit;
    return open_now(breaker, now_ms);
}
