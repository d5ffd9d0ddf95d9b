/*
 * http_metrics - what /metrics says: the counters of this process from its memory, those of the
 * milter and of spawned processes of this host as Redis has them. Belongs to the thread of the
 * HTTP server.
 */
#ifndef POSTVALVE_POLICYD_HTTP_METRICS_H
#define POSTVALVE_POLICYD_HTTP_METRICS_H

#include "common/buffer.h"
#include "view/redis_session.h"

/* session NULL, or no answer: of this process alone. The caller frees the buffer. */
struct buffer http_metrics_render(struct redis_session *session, const char *host);

#endif
