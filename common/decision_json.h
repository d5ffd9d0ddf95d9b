/*
 * decision_json - one decision for programs: all that explain(1) would say of it, taken from
 * the very facts it was made of. Keys are an interface, documented in postvalve.json(5).
 *
 * Pure. A value that Postfix or a client gave is escaped, so that what comes out is UTF-8.
 */
#ifndef POSTVALVE_COMMON_DECISION_JSON_H
#define POSTVALVE_COMMON_DECISION_JSON_H

#include "common/client_keys.h"
#include "common/decide.h"

#include <jansson.h>

struct decision {
    const char *time, *host, *process;
    const struct address *client;
    struct slice client_name; /* as Postfix says it; empty: none */
    const struct client_keys *keys;
    const struct facts *facts;
    const struct verdict *verdict; /* its text expanded */
    const struct class_settings *client_class;
    double share; /* of such decisions that are told */
};

/* A new reference: a flat object, but for history, rbl and pressure. */
json_t *decision_json(const struct decision *decision);

/* A new reference: what is kept of a client, its network and its domain, weighed as of now. */
json_t *history_json(const struct client_keys *keys, const struct client_facts *client,
                     const struct class_settings *settings);

#endif
