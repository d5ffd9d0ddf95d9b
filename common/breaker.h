/*
 * breaker - whether to try something that failed lately. Pure; its owner guards it.
 *
 *   closed     every try is allowed; failure_limit failures in a row open it
 *   open       no try is allowed for retry_ms
 *   half-open  one try is allowed: success closes, failure opens again. A try that nobody
 *              reports on gives way to another after retry_ms.
 *
 * breaker_success(), breaker_failure() and breaker_trip() say when the breaker closed or
 * opened: the owner writes its one log line there. open -> half-open -> open is no change.
 */
#ifndef POSTVALVE_COMMON_BREAKER_H
#define POSTVALVE_COMMON_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    enum breaker_state state;
    int failure_limit;
    int failures; /* in a row */
    int64_t retry_ms;
    int64_t retry_at_ms;  /* open: when the next try is allowed */
    int64_t opened_at_ms; /* when it last left the closed state */
};

/* Closed. failure_limit >= 1. */
void breaker_init(struct breaker *breaker, int failure_limit, int64_t retry_ms);
/* True is the permission for one try: the caller makes it and reports how it went. */
bool breaker_allows(struct breaker *breaker, int64_t now_ms);
/* As breaker_allows(), but takes no permission. */
bool breaker_would_allow(const struct breaker *breaker, int64_t now_ms);
/* True: this closed it. */
bool breaker_success(struct breaker *breaker);
/* True: this opened it. */
bool breaker_failure(struct breaker *breaker, int64_t now_ms);
/* A failure that leaves no doubt: opens at once. True: this opened it. */
bool breaker_trip(struct breaker *breaker, int64_t now_ms);

#endif
