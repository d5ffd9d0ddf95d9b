/*
 * gather_verify - the part of a policy request that is about the recipient (and, where that is
 * configured, the sender): what memory and Redis know of the addresses, and the answer that
 * verify_decide() makes of it.
 *
 * Deliverable addresses are used from memory like any record; for all others Redis is asked
 * each time, so that what an administrator forgot is forgotten at once. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_GATHER_VERIFY_H
#define POSTVALVE_POLICYD_GATHER_VERIFY_H

#include "common/decide.h"
#include "common/policy_request.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct event_base;
struct gather_verify;
struct store;
struct verify_inquiry; /* a request's part */

/* All must outlive it. config: or until the next reload. */
struct gather_verify *gather_verify_create(struct event_base *base, struct store *store,
                                           const struct config *config);
/* NULL is fine. */
void gather_verify_free(struct gather_verify *gather);
void gather_verify_reload(struct gather_verify *gather, const struct config *config);

/* Whether this request is to be answered as to its addresses alone. is_of_listener: it came on
 * verify.listen. */
bool gather_verify_is_alone(const struct gather_verify *gather,
                            const struct policy_request *request, bool is_of_listener);

/* NULL: nothing is to be said of the addresses. Else to be freed. callback comes from the loop,
 * with the context of verify_inquiry_wait(), if it waits. */
typedef void verify_inquiry_callback(void *context);
struct verify_inquiry *verify_inquiry_start(struct gather_verify *gather,
                                            const struct policy_request *request, bool is_alone,
                                            int64_t now_ms, verify_inquiry_callback *callback);
bool verify_inquiry_is_waiting(const struct verify_inquiry *inquiry);
/* The request's bytes are not needed any more after this. */
void verify_inquiry_wait(struct verify_inquiry *inquiry, void *context);

/* Puts the answer in place of the verdict of decide(), which lets the client go on; level and
 * classification are used. Texts live until the next call. is_off: nobody is to be turned away
 * by us. */
void verify_inquiry_apply(struct verify_inquiry *inquiry, const struct address *client,
                          bool is_off, int64_t now_ms, struct verdict *verdict);
/* Cancels what waits. NULL is fine. */
void verify_inquiry_free(struct verify_inquiry *inquiry);

#endif
