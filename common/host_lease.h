/*
 * host_lease - who of a host's processes publishes its state, and which hosts there are: the
 * scripts, and the commands that run them.
 *
 * Each script touches one key. Every daemon offers its state every HOST_LEASE_OFFER_MS; the
 * script takes it if the daemon holds the lease, or nobody does, or the holder was not heard of
 * for HOST_LEASE_SILENT_MS, or if the daemon knows better: a milter counts sessions exactly.
 * Time is Redis' own. Pure.
 */
#ifndef POSTVALVE_COMMON_HOST_LEASE_H
#define POSTVALVE_COMMON_HOST_LEASE_H

#include "common/host_state.h"
#include "common/redis_command.h"
#include "common/slice.h"

#include <stdbool.h>

#define HOST_LEASE_OFFER_MS  500
#define HOST_LEASE_SILENT_MS 1500

struct host_lease_offer {
    enum publisher publisher;
    struct slice id; /* of the process, unique: "milter:HOST:PID:RANDOM" */
    bool is_last;    /* the process ends: gives the lease back */
    /* What to publish; publisher, id and times of it do not count. */
    const struct host_state *state;
};

/* EVAL of host_lease_script on redis_key_host(). The reply: Redis' time in ms, 1 if the offer
 * was taken (we publish), the id of the holder before if that was another ("": none), and the
 * fields of the hash as it is now. */
void host_lease_command(struct redis_command *command, struct slice key,
                        const struct host_lease_offer *offer);
#define HOST_LEASE_COMMAND_SIZE 65536 /* bytes it takes at most */
extern const char host_lease_script[];

/* EVAL of hosts_script on redis_key_hosts(): notes that host (empty: only asks) is alive,
 * forgets those not seen for HOSTS_FORGET_S. The reply: Redis' time in ms, then the names,
 * latest first, at most HOSTS_MAX. */
#define HOSTS_FORGET_S 60
#define HOSTS_MAX      64
void hosts_command(struct redis_command *command, struct slice key, struct slice host);
extern const char hosts_script[];

#endif
