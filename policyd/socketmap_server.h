/*
 * socketmap_server - tables for Postfix over the protocol of socketmap_table(5), each a row of
 * the table in socketmap_maps.c.
 *
 * A client that sends something else is logged, counted and closed. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_SOCKETMAP_SERVER_H
#define POSTVALVE_POLICYD_SOCKETMAP_SERVER_H

#include "common/config.h"
#include "common/error_list.h"
#include "policyd/socketmap_maps.h"

#include <stdbool.h>

#define SOCKETMAP_CONNECTIONS_MAX 4096

struct counters;
struct event_base;
struct socketmap_server;

/* All must outlive it. */
struct socketmap_server *socketmap_server_create(struct event_base *base,
                                                 struct counters *counters);
/* Closes all; socket files are removed. NULL is fine. */
void socketmap_server_free(struct socketmap_server *server);
/* Listens on these and on nothing else; what is in both the old and the new list stays open.
 * False, with every problem added to errors: then all is as it was. */
bool socketmap_server_apply(struct socketmap_server *server,
                            const struct socketmap_settings *settings,
                            struct error_list *errors);
/* Requests are answered from now on. maps must outlive the server, or the next call. */
void socketmap_server_start(struct socketmap_server *server, struct socketmap_maps *maps);
/* No new clients; to be followed by socketmap_server_free(). */
void socketmap_server_stop(struct socketmap_server *server);

#endif
