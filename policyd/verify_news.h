/*
 * verify_news - what verify(8) writes into the shared cache, told to the memory of addresses
 * that all hosts have: a probe of one host is a shortcut on all. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_VERIFY_NEWS_H
#define POSTVALVE_POLICYD_VERIFY_NEWS_H

#include "common/config.h"
#include "common/slice.h"

#include <stdint.h>

struct store;

/* An entry that Postfix stores. Only the result of a probe that has just ended is news:
 * Postfix's memcache client also stores what it finds in its backup table. */
void verify_news_tell(struct store *store, const struct config *config, struct slice key,
                      struct slice value, int64_t wall_s);

#endif
