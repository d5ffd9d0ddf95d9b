#include "common/client_keys.h"

void client_keys_get(const struct address *address, struct slice verified_name,
                     struct registered_domain_cache *cache, struct client_keys *keys_r)
{
    struct slice domain = {NULL, 0};
    if (address->family != ADDRESS_NONE &&
        !slice_equals(verified_name, SLICE_LITERAL("unknown")))
        domain = cache ? registered_domain_find_cached(cache, verified_name)
                       : registered_domain_find(verified_name);
    keys_r->of[SCOPE_CLIENT] = client_key_from_address(address);
    keys_r->of[SCOPE_NETWORK] = client_key_from_network(address);
    keys_r->of[SCOPE_DOMAIN] = client_key_from_domain(domain);
}
