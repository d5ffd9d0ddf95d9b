/*
 * client_keys - all keys that the history of one client is kept under. Pure.
 */
#ifndef POSTVALVE_COMMON_CLIENT_KEYS_H
#define POSTVALVE_COMMON_CLIENT_KEYS_H

#include "common/address.h"
#include "common/client_record.h"
#include "common/registered_domain.h"

#include <stdbool.h>

struct client_keys {
    struct client_key of[SCOPE_COUNT]; /* CLIENT_KEY_NONE: there is none */
};

/* verified_name: the client's host name as Postfix says it, "unknown" or "" when it is not
 * verified. cache may be NULL. */
void client_keys_get(const struct address *address, struct slice verified_name,
                     struct registered_domain_cache *cache, struct client_keys *keys_r);

static inline bool client_keys_has(const struct client_keys *keys, enum history_scope scope)
{
    return keys->of[scope].kind != CLIENT_KEY_NONE;
}

#endif
