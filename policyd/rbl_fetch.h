/*
 * rbl_fetch - gets the answer of a DNS list to one name, or its text, from Redis or else from
 * the network, once for all who want it at the same time (single flight). What comes goes to
 * memory and to Redis. A fetch goes on when nobody waits for it any more. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_RBL_FETCH_H
#define POSTVALVE_POLICYD_RBL_FETCH_H

#include "common/config.h"
#include "common/rbl_answer.h"
#include "policyd/dns_resolver.h"
#include "policyd/rbl_cache.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define RBL_FETCHES_MAX 4096 /* at a time; more get no answer */

struct rbl_fetch;
struct rbl_fetcher;
struct rbl_lists;
struct store;

enum rbl_fetch_kind { RBL_FETCH_ANSWER, RBL_FETCH_TEXT };

struct rbl_wanted {
    enum rbl_fetch_kind kind;
    size_t list;
    const char *name;        /* to ask for */
    const char *subject;     /* for the key in Redis */
    struct rbl_name_key key; /* of the name */
};

struct rbl_waiter;
/* answer: RBL_FETCH_ANSWER, else NULL. text: RBL_FETCH_TEXT; empty where there is none. They
 * live as long as the call. is_new: from the network. */
typedef void rbl_waiter_callback(struct rbl_waiter *waiter, const struct rbl_answer *answer,
                                 struct slice text, bool is_new);

/* Belongs to whoever waits; zeroed: does not wait. */
struct rbl_waiter {
    LIST_ENTRY(rbl_waiter) link;
    struct rbl_fetch *fetch; /* NULL: does not wait */
    rbl_waiter_callback *callback;
    bool is_known_good; /* the client's history is good */
};

/* All must outlive it. */
struct rbl_fetcher *rbl_fetcher_create(const struct rbl_settings *settings, struct store *store,
                                       struct dns_resolver *resolver, struct rbl_lists *lists,
                                       struct rbl_cache *cache);
/* Nobody may wait any more. NULL is fine. */
void rbl_fetcher_free(struct rbl_fetcher *fetcher);

/* The callback comes once, from the loop and not from within this, unless the waiter leaves.
 * False: it cannot be asked for now, failure_r says why. */
bool rbl_fetch_join(struct rbl_fetcher *fetcher, const struct rbl_wanted *wanted,
                    struct rbl_waiter *waiter, rbl_waiter_callback *callback,
                    enum rbl_failure *failure_r);
/* Nothing to do for one that does not wait. */
void rbl_waiter_leave(struct rbl_waiter *waiter);

struct rbl_answer rbl_answer_from_dns(enum dns_status status, const struct dns_answer *answer);

#endif
