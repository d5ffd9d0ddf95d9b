/*
 * http_server - the page, /api/ and /metrics over HTTP: a thread of its own.
 *
 * The thread has its own event loop and its own connection to Redis, which may block, and it
 * yields the processor to the policy service: whatever clients do to it, mail does not wait for
 * it. libevent's own evhttp is not used: version 2.1 limits neither the number of connections
 * nor the time of a request as a whole.
 *
 * The sockets belong to the main thread; all functions are for it alone.
 */
#ifndef POSTVALVE_POLICYD_HTTP_SERVER_H
#define POSTVALVE_POLICYD_HTTP_SERVER_H

#include "common/config.h"

struct http_server;
struct stress_monitor;

struct http_server *http_server_create(void);
/* Listens on these and on nothing else; what is open already stays open. A socket that cannot
 * be opened is logged and left out. The thread must not run. */
void http_server_open(struct http_server *server, const struct http_settings *settings);
/* Starts the thread, if there is anything to listen on. config and monitor must live until
 * http_server_stop(). */
void http_server_start(struct http_server *server, const struct config *config,
                       struct stress_monitor *monitor);
/* Ends the thread, with all its connections. */
void http_server_stop(struct http_server *server);
/* Stops, and closes the sockets. NULL is fine. */
void http_server_free(struct http_server *server);

#endif
