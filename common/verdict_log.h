/*
 * verdict_log - the one line of key=value pairs that log, explain and tests show of a verdict.
 */
#ifndef POSTVALVE_COMMON_VERDICT_LOG_H
#define POSTVALVE_COMMON_VERDICT_LOG_H

#include "common/address.h"
#include "common/decide.h"

#include <stddef.h>

#define VERDICT_LOG_SIZE 768

/* "hang-up client=192.0.2.1 class=bot reason=bad-history evidence=silent:4.0 rule=bot code=521
 *  stage=RCPT level=stressed pressure=1.10 slots=19/20 waiting=3"; "would-hang-up ..." in
 * observe mode; "continue ..." for one without a code, which daemons do not log. */
void verdict_log_format(const struct verdict *verdict, const struct facts *facts,
                        const struct address *client, char *out, size_t out_size);

#endif
