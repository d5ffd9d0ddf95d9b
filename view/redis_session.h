/*
 * redis_session - Redis for somebody who looks: connected when first asked, blocking.
 *
 * What the parts shared with the daemons would log while they try is not logged; the error says
 * it. No call outlasts timeout_ms. One thread.
 */
#ifndef POSTVALVE_VIEW_REDIS_SESSION_H
#define POSTVALVE_VIEW_REDIS_SESSION_H

#include "common/config.h"
#include "common/error.h"
#include "common/redis_command.h"
#include "common/redis_health.h"
#include "redis/redis_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_SESSION_TIMEOUT_MS 2000

struct redis_server;
struct redis_link;

struct redis_session {
    struct redis_server *server;
    struct redis_link *link;
    enum redis_use use;
    const char *prefix; /* of keys; the settings' */
    int64_t timeout_ms; /* REDIS_SESSION_TIMEOUT_MS, until somebody changes it */
};

/* The settings must outlive it. False: none is configured. */
bool redis_session_open(struct redis_session *session, const struct redis_settings *settings,
                        enum redis_use use, struct error *error);
void redis_session_close(struct redis_session *session);

typedef void redis_session_callback(void *context, size_t index,
                                    const struct redis_reply *reply);
/* Count commands in one round trip, a callback for each reply (NULL: none wanted). False: not
 * all were answered, or one was refused; the error says why. */
bool redis_session_ask(struct redis_session *session, const struct redis_command *command,
                       size_t count, redis_session_callback *callback, void *context,
                       struct error *error);
/* It answers. */
bool redis_session_ping(struct redis_session *session, struct error *error);

#endif
