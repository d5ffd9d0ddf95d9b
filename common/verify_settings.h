/*
 * verify_settings - what follows from the settings of address verification alone. Pure.
 */
#ifndef POSTVALVE_COMMON_VERIFY_SETTINGS_H
#define POSTVALVE_COMMON_VERIFY_SETTINGS_H

#include "common/config.h"
#include "common/recipient_address.h"
#include "common/redis_keys.h"

#include <stdbool.h>

struct setting_problems;

/* Whether there is anything to verify. */
bool verify_is_on(const struct verify_settings *settings);
/* Whether addresses of this domain are verified: "example.org", ".example.org" for all below
 * it, "*" for all. domain: folded. */
bool verify_has_domain(const struct verify_settings *settings, enum address_kind kind,
                       struct slice domain);
struct recipient_address_settings verify_address_settings(
    const struct verify_settings *settings);
void verify_key(const struct verify_settings *settings, const char *prefix,
                enum address_kind kind, const struct recipient_address *address,
                struct redis_key *key_r, struct recipient_hash *hash_r);

/* What no single row of the table can say. */
void verify_settings_check(const struct config *config,
                           const struct setting_problems *problems);

#endif
