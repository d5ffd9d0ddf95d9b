/*
 * own_addresses - the addresses of this host's network interfaces, loopback left out.
 *
 * Read when first asked for and again once a minute: addresses move between hosts. Any thread.
 */
#ifndef POSTVALVE_HOST_OWN_ADDRESSES_H
#define POSTVALVE_HOST_OWN_ADDRESSES_H

#include "common/address.h"

#include <stdbool.h>
#include <stdint.h>

struct own_addresses;

struct own_addresses *own_addresses_create(void);
void own_addresses_free(struct own_addresses *own);

/* now_ms: monotonic. When the kernel cannot be asked, what was known stays. */
bool own_addresses_contain(struct own_addresses *own, const struct address *address,
                           int64_t now_ms);

#endif
