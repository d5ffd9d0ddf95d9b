#include "policyd/rbl_engine.h"

#include "common/memory.h"
#include "common/rbl_plan.h"

#include <stdlib.h>

/* A query lives as long as the most patient request: a late answer is good for the next. */
static void open_parts(struct rbl_engine *engine, struct rbl_lists *lists_before)
{
    const struct rbl_settings *settings = engine->settings;
    engine->resolver = dns_resolver_create(engine->base, &settings->nameservers,
                                           settings->deadline_ms[LEVEL_CALM]);
    engine->lists = rbl_lists_create(settings, engine->resolver, lists_before);
    engine->fetcher = rbl_fetcher_create(settings, engine->store, engine->resolver,
                                         engine->lists, engine->cache);
}

struct rbl_engine *rbl_engine_create(struct event_base *base, struct store *store,
                                     const struct rbl_settings *settings)
{
    struct rbl_engine *engine = memory_allocate(1, sizeof(*engine));
    engine->base = base;
    engine->store = store;
    engine->settings = settings;
    LIST_INIT(&engine->lookups);
    if (!rbl_engine_is_off(engine)) {
        engine->cache = rbl_cache_create((size_t)settings->cache_entries);
        open_parts(engine, NULL);
    }
    return engine;
}

void rbl_engine_free(struct rbl_engine *engine)
{
    if (!engine)
        return;
    engine->ahead_callback = NULL;
    rbl_lookup_finish_all(engine);
    rbl_fetcher_free(engine->fetcher);
    rbl_lists_free(engine->lists);
    dns_resolver_free(engine->resolver);
    rbl_cache_free(engine->cache);
    free(engine->host);
    free(engine);
}

void rbl_engine_reload(struct rbl_engine *engine, const struct rbl_settings *settings)
{
    struct rbl_lists *lists_before = engine->lists;
    struct dns_resolver *resolver_before = engine->resolver;
    bool is_cache_kept =
        engine->cache && engine->settings->cache_entries == settings->cache_entries;

    rbl_lookup_finish_all(engine);
    rbl_fetcher_free(engine->fetcher);
    engine->fetcher = NULL;
    engine->lists = NULL;
    engine->resolver = NULL;
    engine->settings = settings;
    if (rbl_engine_is_off(engine)) {
        rbl_lists_free(lists_before);
        rbl_cache_free(engine->cache);
        engine->cache = NULL;
    } else {
        if (!is_cache_kept) {
            rbl_cache_free(engine->cache);
            engine->cache = rbl_cache_create((size_t)settings->cache_entries);
        }
        open_parts(engine, lists_before);
        if (engine->host)
            rbl_lists_start(engine->lists, engine->base, engine->store, engine->host);
    }
    dns_resolver_free(resolver_before);
}

bool rbl_engine_start(struct rbl_engine *engine, const char *host)
{
    engine->host = memory_copy_string(host);
    return rbl_engine_is_off(engine) ||
           rbl_lists_start(engine->lists, engine->base, engine->store, engine->host);
}

void rbl_engine_start_spawned(struct rbl_engine *engine, const char *host)
{
    if (!rbl_engine_is_off(engine))
        rbl_lists_start_spawned(engine->lists, engine->store, host);
}

bool rbl_engine_is_off(const struct rbl_engine *engine)
{
    return engine->settings->plan->check_count == 0;
}

const struct rbl_lists *rbl_engine_lists(const struct rbl_engine *engine)
{
    return engine->lists;
}

void rbl_engine_count_session(struct rbl_engine *engine, const struct rbl_involved *involved)
{
    if (!rbl_engine_is_off(engine))
        rbl_lists_count_session(engine->lists, involved);
}

void rbl_engine_set_ahead_callback(struct rbl_engine *engine, rbl_ahead_callback *callback,
                                   void *context)
{
    engine->ahead_callback = callback;
    engine->ahead_context = context;
}
