/*
 * http_answer - what a request over HTTP is answered: a file of the page, JSON of /api/
 * (doc/api.md), or metrics. Everything is read-only.
 *
 * May block for Redis, a second at most. Answers made of Redis are kept for a moment, so that
 * Redis is asked once for all who look. Belongs to the thread of the HTTP server.
 */
#ifndef POSTVALVE_POLICYD_HTTP_ANSWER_H
#define POSTVALVE_POLICYD_HTTP_ANSWER_H

#include "common/buffer.h"
#include "common/config.h"
#include "common/http_request.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REPLY_MAX (4 * 1024 * 1024) /* bytes, head and body */
#define HTTP_HEAD_SIZE 1024

struct http_answerer;
struct stress_monitor;

struct http_reply {
    bool is_keep_alive;
    size_t head_length;
    char head[HTTP_HEAD_SIZE];
    struct slice body;
    char *owned; /* memory of the body; NULL: it is somebody else's */
};

/* config and monitor must outlive it. */
struct http_answerer *http_answerer_create(const struct config *config,
                                           struct stress_monitor *monitor);
void http_answerer_free(struct http_answerer *answerer);

/* status: of a refused request; 0: it is a good one. */
void http_answerer_answer(struct http_answerer *answerer, const struct http_request *request,
                          int status, struct http_reply *reply_r);
void http_reply_release(struct http_reply *reply);

#endif
