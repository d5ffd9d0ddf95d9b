/*
 * socketmap_maps - what the tables of the socketmap server answer:
 *
 *   rbl-reply      for rbl_reply_maps: the template for a list, by the level of this moment
 *   client-access  for check_client_access: what would be done with a client, by its address
 *   level          the level as a word, for any key: the name of a restriction class
 *
 * Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_SOCKETMAP_MAPS_H
#define POSTVALVE_POLICYD_SOCKETMAP_MAPS_H

#include "common/config.h"
#include "common/slice.h"
#include "common/socketmap_request.h"
#include "policyd/gather.h"

#include <stdint.h>

struct socketmap_maps {
    struct gather *gather;
    const struct config *config;
};

/* A request on its way; zeroed: none. */
struct socketmap_inquiry {
    struct gather_pending *pending;
    struct session_memory memory;
    void (*callback)(void *context, enum socketmap_status status, struct slice text);
    void *context;
};

/* The callback of the inquiry comes exactly once, perhaps from within this, unless the inquiry
 * is cancelled; its text lives as long as the call. */
void socketmap_maps_ask(const struct socketmap_maps *maps,
                        const struct socketmap_request *request, int64_t now_ms,
                        struct socketmap_inquiry *inquiry);
/* Nothing to do where none is on its way. */
void socketmap_inquiry_cancel(struct socketmap_inquiry *inquiry);

#endif
