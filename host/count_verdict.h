/*
 * count_verdict - what is counted of each verdict (host/count.h). Any thread.
 */
#ifndef POSTVALVE_HOST_COUNT_VERDICT_H
#define POSTVALVE_HOST_COUNT_VERDICT_H

#include "common/decide.h"

#include <stdint.h>

/* elapsed_us: since the question. */
void count_verdict(const struct facts *facts, const struct verdict *verdict,
                   int64_t elapsed_us);

#endif
