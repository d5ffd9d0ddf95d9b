/*
 * redis_session - Redis for one command: connected when first asked, gone with the command.
 *
 * What the parts shared with the daemons would log while they try is not shown; the error says
 * it once. No call outlasts REDIS_SESSION_TIMEOUT_MS.
 */
#ifndef POSTVALVE_CTL_REDIS_SESSION_H
#define POSTVALVE_CTL_REDIS_SESSION_H

#include "common/config.h"
#include "common/error.h"
#include "common/redis_command.h"
#include "common/redis_health.h"
#include "redis/redis_reply.h"

#include <stdbool.h>
#include <stddef.h>

#define REDIS_SESSION_TIMEOUT_MS 2000

struct redis_server;
struct redis_link;

struct redis_session {
    struct redis_server *server;
    struct redis_link *link;
    enum redis_use use;
    const char *prefix; /* of keys; the settings' */
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
