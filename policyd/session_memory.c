#include "policyd/session_memory.h"

#include <string.h>

/* FNV-1a. Postfix makes these texts, so nobody can aim at a collision. */
static uint64_t hash_text(struct slice text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.length; i++) {
        hash ^= (unsigned char)text.data[i];
        hash *= UINT64_C(1099511628211);
    }
    return hash;
}

struct session_identity session_identity_get(const struct policy_request *request,
                                             const struct address *client)
{
    struct session_identity identity = {.client = *client};
    if (policy_request_port(request, POLICY_ATTRIBUTE_CLIENT_PORT, &identity.port))
        return identity;
    identity.port = 0;
    struct slice instance = policy_request_value(request, POLICY_ATTRIBUTE_INSTANCE);
    if (instance.length > 0)
        identity.instance = hash_text(instance);
    else
        identity.client.family = ADDRESS_NONE;
    return identity;
}

bool session_identity_equals(const struct session_identity *a, const struct session_identity *b)
{
    return a->client.family != ADDRESS_NONE && a->port == b->port &&
           a->instance == b->instance && address_equals(&a->client, &b->client);
}

bool session_memory_holds(const struct session_memory *memory,
                          const struct session_identity *identity)
{
    return session_identity_equals(&memory->admitted, identity);
}

void session_memory_set(struct session_memory *memory, const struct session_identity *identity)
{
    memory->admitted = *identity;
}

void session_memory_clear(struct session_memory *memory)
{
    *memory = (struct session_memory){.is_about_addresses = memory->is_about_addresses};
}
