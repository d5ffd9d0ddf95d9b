/*
 * redis_keys - the names of our keys in Redis (doc/redis.md), in one place.
 *
 * A key never outgrows its buffer and holds only printable ASCII, whatever it is made of. The
 * prefix is the administrator's: cut at REDIS_PREFIX_MAX, which the configuration refuses.
 */
#ifndef POSTVALVE_COMMON_REDIS_KEYS_H
#define POSTVALVE_COMMON_REDIS_KEYS_H

#include "common/address.h"
#include "common/recipient_address.h"
#include "common/slice.h"

#include <stdint.h>

#define REDIS_PREFIX_MAX 64  /* bytes */
#define REDIS_NAME_MAX   64  /* bytes that a name takes in a key */
#define REDIS_KEY_SIZE   208 /* with the terminating zero */

struct redis_key {
    size_t length;
    char text[REDIS_KEY_SIZE];
};

/* PREFIXclient:192.0.2.1, PREFIXclient:2001:db8:1:2::/64 */
void redis_key_client(struct redis_key *key_r, const char *prefix,
                      const struct client_key *client);
/* PREFIXhost:NAME. Bytes other than letters, digits and "._-" are written as %XX; a name that
 * is too long is cut and ends with its hash, so that two names stay two keys. */
void redis_key_host(struct redis_key *key_r, const char *prefix, const char *host);
/* PREFIXoverride:NAME; host NULL: PREFIXoverride:*, that of all hosts. */
void redis_key_override(struct redis_key *key_r, const char *prefix, const char *host);
/* PREFIXtop:NAME */
void redis_key_top(struct redis_key *key_r, const char *prefix, const char *host);
/* PREFIXtotal:NAME and PREFIXstats:NAME:MINUTE (since 1970): see counter_flush.h. */
void redis_key_total(struct redis_key *key_r, const char *prefix, const char *host);
void redis_key_stats(struct redis_key *key_r, const char *prefix, const char *host,
                     int64_t minute);
/* PREFIXgauge:NAME:PROCESS */
void redis_key_gauge(struct redis_key *key_r, const char *prefix, const char *host,
                     const char *process);
/* PREFIXaccess: who is let in and who is kept out; see access_list.h. */
void redis_key_access(struct redis_key *key_r, const char *prefix);
/* PREFIXhosts: all hosts, by when they were last seen. */
void redis_key_hosts(struct redis_key *key_r, const char *prefix);
/* PREFIXevents, the stream; PREFIXlevel, the channel. */
void redis_key_events(struct redis_key *key_r, const char *prefix);
void redis_key_level_channel(struct redis_key *key_r, const char *prefix);

/* PREFIXhistory:NAME, see pressure_history.h. */
void redis_key_history(struct redis_key *key_r, const char *prefix, const char *host);

/* PREFIXrbl:ZONE:SUBJECT, a name or an address in the form of a client_key (IPv6 in full). */
void redis_key_rbl(struct redis_key *key_r, const char *prefix, const char *zone,
                   const char *subject);
/* PREFIXrblhealth:ZONE */
void redis_key_rbl_health(struct redis_key *key_r, const char *prefix, const char *zone);
/* PREFIXrblvalue:ZONE */
void redis_key_rbl_value(struct redis_key *key_r, const char *prefix, const char *zone);
/* PREFIXrcpt:HASH, PREFIXsender:HASH. readable: the address itself instead, escaped as a name;
 * one that is too long ends with the hash, so that two addresses stay two keys. */
void redis_key_recipient(struct redis_key *key_r, const char *prefix, enum address_kind kind,
                         const struct recipient_hash *hash,
                         const struct recipient_address *readable);
/* PREFIXcache:HASH */
void redis_key_cache(struct redis_key *key_r, const char *prefix,
                     const struct recipient_hash *hash);
/* PREFIXnew:NAME, the list of clients that are new to a host. */
void redis_key_new_clients(struct redis_key *key_r, const char *prefix, const char *host);

static inline struct slice redis_key_slice(const struct redis_key *key)
{
    return (struct slice){key->text, key->length};
}

#endif
