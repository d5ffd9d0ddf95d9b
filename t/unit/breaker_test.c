#include "common/breaker.h"
#include "t/unit/tap.h"

#define RETRY_MS 1000

/* Each row is one event and what must come of it. */
enum step { ALLOWS, SUCCESS, FAILURE, TRIP };

static const struct {
    enum step step;
    int64_t now_ms;
    bool result;
    enum breaker_state state;
    const char *what;
} steps[] = {
    {ALLOWS, 0, true, BREAKER_CLOSED, "closed: allowed"},
    {FAILURE, 1, false, BREAKER_CLOSED, "a failure"},
    {FAILURE, 2, false, BREAKER_CLOSED, "a second one"},
    {SUCCESS, 3, false, BREAKER_CLOSED, "a success is no change"},
    {FAILURE, 4, false, BREAKER_CLOSED, "failures count in a row: one"},
    {FAILURE, 5, false, BREAKER_CLOSED, "two"},
    {FAILURE, 6, true, BREAKER_OPEN, "three open it"},
    {FAILURE, 7, false, BREAKER_OPEN, "one more that was on its way"},
    {SUCCESS, 8, false, BREAKER_OPEN, "a late success does not close it"},
    {ALLOWS, 9, false, BREAKER_OPEN, "open: not allowed"},
    {ALLOWS, 1005, false, BREAKER_OPEN, "not before the retry time"},
    {ALLOWS, 1006, true, BREAKER_HALF_OPEN, "then one try"},
    {ALLOWS, 1007, false, BREAKER_HALF_OPEN, "and no second one"},
    {FAILURE, 1008, false, BREAKER_OPEN, "the try failed: open, which is no news"},
    {ALLOWS, 2007, false, BREAKER_OPEN, "the wait starts anew"},
    {ALLOWS, 2008, true, BREAKER_HALF_OPEN, "the next try"},
    {SUCCESS, 2009, true, BREAKER_CLOSED, "succeeds: closed"},
    {ALLOWS, 2010, true, BREAKER_CLOSED, "allowed"},
    {ALLOWS, 2011, true, BREAKER_CLOSED, "for all"},
    {TRIP, 2012, true, BREAKER_OPEN, "a failure without doubt opens at once"},
    {TRIP, 2013, false, BREAKER_OPEN, "once"},
    {ALLOWS, 3012, true, BREAKER_HALF_OPEN, "a try that nobody reports on"},
    {ALLOWS, 4011, false, BREAKER_HALF_OPEN, "blocks others for a while"},
    {ALLOWS, 4012, true, BREAKER_HALF_OPEN, "then gives way"},
    {SUCCESS, 4013, true, BREAKER_CLOSED, "and all is well"},
};

int main(void)
{
    struct breaker breaker;
    breaker_init(&breaker, 3, RETRY_MS);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        bool result = false;
        int64_t now_ms = steps[i].now_ms;
        switch (steps[i].step) {
        case ALLOWS:
            ok(breaker_would_allow(&breaker, now_ms) == steps[i].result, "%lld ms: foretold",
               (long long)now_ms);
            result = breaker_allows(&breaker, now_ms);
            break;
        case SUCCESS:
            result = breaker_success(&breaker);
            break;
        case FAILURE:
            result = breaker_failure(&breaker, now_ms);
            break;
        case TRIP:
            result = breaker_trip(&breaker, now_ms);
            break;
        }
        ok(result == steps[i].result && breaker.state == steps[i].state, "%lld ms: %s",
           (long long)now_ms, steps[i].what);
    }
    return done_testing();
}
