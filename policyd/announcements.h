/*
 * announcements - clients that a milter on this host saw for the first time: DNS lists are
 * asked about them ahead, so that at MAIL, or at the client's next connection, it is known what
 * they say. Read from Redis a few times a second. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_ANNOUNCEMENTS_H
#define POSTVALVE_POLICYD_ANNOUNCEMENTS_H

#include <stdbool.h>

struct announcements;
struct event_base;
struct gather_rbl;
struct rbl_engine;
struct store;

/* All must outlive it. host: name of this host. NULL: the loop takes no timer. */
struct announcements *announcements_start(struct event_base *base, struct store *store,
                                          struct rbl_engine *engine, struct gather_rbl *gather,
                                          const char *host);
/* NULL is fine. */
void announcements_free(struct announcements *announcements);

#endif
