#include "policyd/inquiry.h"

#include "host/clock.h"
#include "host/own_addresses.h"
#include "policyd/gather_rbl.h"
#include "policyd/gather_verify.h"

void inquiry_init(struct inquiry *inquiry, const struct config *config,
                  struct own_addresses *own_addresses, const struct policy_request *request,
                  struct session_memory *memory, int64_t now_ms)
{
    struct client_facts *client = &inquiry->facts.client;

    inquiry->facts.front = FRONT_POLICY;
    inquiry->facts.stage = policy_request_stage(request);
    client->has_address = policy_request_client(request, &inquiry->client);
    inquiry->client_name = policy_request_value(request, POLICY_ATTRIBUTE_CLIENT_NAME);
    client->is_authenticated = policy_request_is_authenticated(request);
    client->is_in_trusted_networks =
        client->has_address &&
        network_list_contains(&config->trusted_networks, &inquiry->client);
    client->is_allowed =
        client->has_address && network_list_contains(&config->allow, &inquiry->client);
    client->is_own_address = client->has_address && config->is_own_address_trusted &&
                             own_addresses_contain(own_addresses, &inquiry->client, now_ms);
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        client->history[scope].state = HISTORY_NONE;
    client->now_s = clock_wall_s();
    inquiry->session = session_identity_get(request, &inquiry->client);
    inquiry->memory = memory;
    inquiry->is_stressed = policy_request_is_stressed(request);
}

bool inquiry_needs_history(const struct inquiry *inquiry, const struct config *config)
{
    const struct client_facts *client = &inquiry->facts.client;
    return client->has_address && !client->is_authenticated &&
           !client->is_in_trusted_networks && !client->is_allowed && !client->is_own_address &&
           inquiry->facts.stage != STAGE_OTHER && config->admission.mode != MODE_OFF;
}

/* A session is new at CONNECT, even if its client used the same port before. Where a milter
 * decides at CONNECT it does so with exact numbers, and once is enough: here are the sessions
 * that it will decide on at once, and those that it admitted. */
bool inquiry_is_admitted(const struct inquiry *inquiry, bool has_milter)
{
    if (has_milter)
        return true;
    return inquiry->facts.stage != STAGE_CONNECT &&
           session_memory_holds(inquiry->memory, &inquiry->session);
}

void inquiry_release(struct inquiry *inquiry)
{
    rbl_inquiry_free(inquiry->rbl);
    verify_inquiry_free(inquiry->verify);
}
