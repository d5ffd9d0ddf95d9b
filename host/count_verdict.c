#include "host/count_verdict.h"

#include "host/count.h"

void count_verdict(const struct facts *facts, const struct verdict *verdict, int64_t elapsed_us)
{
    const struct classification *classification = &verdict->classification;
    COUNT(VERDICTS, facts->stage, classification->class, counted_verdict_of(verdict),
          verdict->rule);
    if (verdict->action == VERDICT_HANG_UP)
        COUNT(HANG_UPS, classification->class, classification->reason);
    OBSERVE(DECISION, elapsed_us);
    if (facts->front == FRONT_MILTER && facts->stage == STAGE_CONNECT)
        OBSERVE(FIRST_VERDICT, elapsed_us, classification->class);
}
