/*
 * session_watch - how the sessions of a port end, for who has no milter that tells: whoever is
 * gone at the next look has ended the way it looked at the last one. From the kernel
 * (sock_diag(7)), without privileges.
 *
 * Sessions that begin and end between two looks are not seen: with a look every two seconds
 * those count that have held a slot for a while, and hang-ups of ours do not. A client is
 * silent when it has our banner, and has said nothing for SESSION_WATCH_SILENT_MS.
 *
 * A look takes 0.1 ms for each 100 connections. Belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_SESSION_WATCH_H
#define POSTVALVE_HOST_SESSION_WATCH_H

#include "common/stress.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_WATCH_SILENT_MS 1000
#define SESSION_WATCH_MAX       100000 /* connections; more are not looked at */

struct inode_set;
struct session_watch;

struct session_watch *session_watch_open(uint16_t port);
void session_watch_close(struct session_watch *watch);
/* How many have ended since the last look, and how. excluded: whose connections are no
 * sessions, NULL: nobody's. False: the kernel does not tell. */
bool session_watch_look(struct session_watch *watch, const struct inode_set *excluded,
                        int ended_r[static SESSION_ENDING_COUNT]);

/* A connection, as the kernel has it. */
struct session_sight {
    bool has_client_left;    /* closed its side */
    uint64_t received, sent; /* bytes; sent: those that it has */
    uint32_t silent_ms;      /* since it last said something, or came */
};
/* How it will have ended if this was the last of it; false: too early to tell. */
bool session_sight_judge(const struct session_sight *sight, enum session_ending *ending_r);

#endif
