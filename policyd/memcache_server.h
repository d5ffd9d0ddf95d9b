/*
 * memcache_server - the protocol of memcached for Postfix's memcache_table(5): verify(8) and
 * postscreen(8) keep their caches in shared_cache. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_MEMCACHE_SERVER_H
#define POSTVALVE_POLICYD_MEMCACHE_SERVER_H

#include "common/config.h"
#include "policyd/shared_cache.h"
#include "policyd/stream_server.h"

struct memcache_server {
    struct store *store;
    struct shared_cache *cache;
    const struct config *config;
};

/* Its context is a struct memcache_server. */
extern const struct stream_protocol memcache_protocol;

#endif
