/*
 * reclaimer - takes slots back from sessions that do not use them: what common/reclaim.h says
 * of the sessions in the table, carried out by host/sock_destroy.h.
 *
 * A session can lose its slot only if its socket was identified at CONNECT, by the addresses
 * and ports that Postfix told and by the cookie of the kernel; later it is that socket or none.
 *
 * Any thread, except reclaimer_tick(), which belongs to one. NULL is a reclaimer that is off.
 */
#ifndef POSTVALVE_MILTER_RECLAIMER_H
#define POSTVALVE_MILTER_RECLAIMER_H

#include "common/config.h"
#include "common/decide.h"
#include "host/sock_destroy.h"
#include "host/stress_monitor.h"
#include "milter/milter.h"

#include <stdbool.h>
#include <stdint.h>

struct reclaimer;

/* Tries whether connections can be ended here. NULL: they cannot, which is logged with what to
 * do about it; or it is switched off. */
struct reclaimer *reclaimer_open(const struct reclaim_settings *settings);

/* The cookie of a connection that a process has accepted; 0: not known. */
uint64_t reclaimer_identify(struct reclaimer *reclaimer, const struct socket_pair *pair);

/* A client was hung up on for want of a slot of the service on this port. */
void reclaimer_note_turned_away(struct reclaimer *reclaimer, uint16_t service_port,
                                int64_t now_ms);

/* By the clock, for each service, unless an administrator switched everything off. Without
 * stress it costs nothing; under stress it looks at the sessions some times a second. */
void reclaimer_tick(struct milter *milter, const struct config *config,
                    const struct service_settings *service,
                    const struct stress_reading *reading, int64_t now_ms);

/* Sessions of the service that lost their slot, since the start; negative: it is off. */
int reclaimer_count(struct reclaimer *reclaimer, uint16_t service_port);

/* What was taken back since the last time, of all services, no more than once a second. False:
 * nothing. */
bool reclaimer_take_news(struct reclaimer *reclaimer, int64_t now_ms,
                         struct reclaim_news *news_r);

#endif
