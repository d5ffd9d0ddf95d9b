/*
 * session_memory - what was done with the SMTP session that a policy connection is about.
 * Postfix asks about one session from one process over one connection, so one entry a
 * connection is enough. Pure.
 */
#ifndef POSTVALVE_POLICYD_SESSION_MEMORY_H
#define POSTVALVE_POLICYD_SESSION_MEMORY_H

#include "common/address.h"
#include "common/policy_request.h"
#include "common/rbl_evaluate.h"

#include <stdbool.h>
#include <stdint.h>

/* A session is its client's address and port. Postfix before 3.0 sends no port; there the
 * instance, a name for one message, has to do. */
struct session_identity {
    struct address client; /* ADDRESS_NONE: a session that cannot be told from others */
    uint16_t port;         /* 0: not known */
    uint64_t instance;     /* hash of the attribute where there is no port, else 0 */
};

/* Start value: all zero. */
struct session_memory {
    struct session_identity admitted;
    struct session_identity told; /* in the log */
    struct session_lists {        /* what DNS lists said, until it is counted */
        struct session_identity session;
        unsigned generation; /* of the configuration */
        bool is_listed;
        struct rbl_involved involved;
    } lists;
    bool is_about_addresses; /* of the connection: it came on verify.listen */
};

struct session_identity session_identity_get(const struct policy_request *request,
                                             const struct address *client);
/* False for sessions that cannot be told from others. */
bool session_identity_equals(const struct session_identity *a,
                             const struct session_identity *b);
bool session_memory_holds(const struct session_memory *memory,
                          const struct session_identity *identity);
void session_memory_set(struct session_memory *memory, const struct session_identity *identity);
void session_memory_clear(struct session_memory *memory);

#endif
