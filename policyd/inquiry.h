/*
 * inquiry - a policy request as far as the verdict needs it: what it says itself, and the parts
 * that others have to answer. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_INQUIRY_H
#define POSTVALVE_POLICYD_INQUIRY_H

#include "common/client_keys.h"
#include "common/config.h"
#include "common/decide.h"
#include "common/policy_request.h"
#include "policyd/session_memory.h"

#include <stdbool.h>
#include <stdint.h>

struct own_addresses;
struct rbl_inquiry;
struct verify_inquiry;

struct inquiry {
    struct facts facts;
    struct address client;
    struct slice client_name; /* in the request, or in a copy of it */
    struct client_keys keys;
    struct session_identity session;
    struct session_memory *memory;
    struct rbl_inquiry *rbl;       /* NULL: no DNS list is asked */
    struct verify_inquiry *verify; /* NULL: nothing is to be said of the addresses */
    bool is_about_addresses;       /* and nothing but that is asked */
    uint16_t port;                 /* of the service; 0: not said */
    bool is_stressed;              /* stress=yes */
    int64_t started_us;            /* monotonic */
};

/* The facts that the request itself gives; now_ms: monotonic. */
void inquiry_init(struct inquiry *inquiry, const struct config *config,
                  struct own_addresses *own_addresses, const struct policy_request *request,
                  struct session_memory *memory, int64_t now_ms);
/* Without an address there is no history; some classes and stages need none. */
bool inquiry_needs_history(const struct inquiry *inquiry, const struct config *config);
/* Whether the session was admitted before, or is admitted by somebody else. */
bool inquiry_is_admitted(const struct inquiry *inquiry, bool has_milter);
/* The parts of others. */
void inquiry_release(struct inquiry *inquiry);

#endif
