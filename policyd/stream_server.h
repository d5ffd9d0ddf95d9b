/*
 * stream_server - what servers of requests and replies have in common: sockets, bytes in and
 * out, one request of a client at a time, limits. What the bytes mean is the protocol's, a row
 * of functions: it takes a request out of the input, and answers from within or later.
 *
 * Nothing is read while a request waits for its answer or the client does not take one, so what
 * a client can make us keep is bounded. A client that sends something else is logged, counted
 * and closed. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_STREAM_SERVER_H
#define POSTVALVE_POLICYD_STREAM_SERVER_H

#include "common/config.h"
#include "common/error_list.h"

#include "common/counter_label.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct stream_client;
struct stream_server;

enum stream_take {
    STREAM_MORE,    /* the request has not arrived in full */
    STREAM_TAKEN,   /* stream_client_answered() was called, or will be */
    STREAM_INVALID, /* not a request: the client is closed, after what it was sent */
    STREAM_END,     /* the client wants to end */
};

struct stream_protocol {
    const char *name; /* also of the group of its settings: "socketmap" */
    enum counted_server counted_as;
    size_t input_max;   /* bytes of the longest request; more is invalid */
    size_t output_max;  /* bytes of the longest answer */
    size_t state_size;  /* of what the protocol keeps for a client, zeroed at first */
    size_t clients_max; /* at a time; for more the one that is idle longest has to go */
    bool is_quiet;      /* clients may be anybody: what they do wrong is not logged */
    /* Takes the request at the start of data, at least one byte; taken_r: bytes used. */
    enum stream_take (*take)(void *context, struct stream_client *client, const char *data,
                             size_t length, size_t *taken_r);
    /* The client is gone: stream_client_answered() must not be called any more. */
    void (*forget)(void *context, struct stream_client *client);
};

/* All must outlive it; the context is the protocol's, and only used while the loop runs. */
struct stream_server *stream_server_create(struct event_base *base,
                                           const struct stream_protocol *protocol,
                                           void *context);
/* Closes all; socket files are removed. NULL is fine. */
void stream_server_free(struct stream_server *server);
/* As listener_set_apply(). */
bool stream_server_apply(struct stream_server *server, const struct endpoint_list *endpoints,
                         const struct socket_settings *settings, struct error_list *errors);
/* idle_ms: without a request; request_ms: for a request to arrive or an answer to be taken. */
void stream_server_set_limits(struct stream_server *server, int64_t idle_ms,
                              int64_t request_ms);
/* Clients now. */
size_t stream_server_count(const struct stream_server *server);
/* No new clients; to be followed by stream_server_free(). */
void stream_server_stop(struct stream_server *server);

/* For protocols. */

void *stream_client_context(struct stream_client *client);
void *stream_client_state(struct stream_client *client);
/* A part of the answer; what goes beyond output_max is a mistake of the protocol's. */
void stream_client_send(struct stream_client *client, const void *bytes, size_t length);
/* This answer is the last one: the client is closed after it. */
void stream_client_end(struct stream_client *client);
/* The answer is complete: once for each STREAM_TAKEN. The client may be gone after it. */
void stream_client_answered(struct stream_client *client);

#endif
