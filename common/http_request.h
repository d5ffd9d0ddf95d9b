/*
 * http_request - the head of an HTTP/1.x request (RFC 9112), as much of it as a read-only
 * server needs: GET and HEAD, no body. Pure.
 *
 * Strict: what is not exactly a request is refused, so that nothing between us and a client can
 * read it otherwise. Paths are not decoded: they are compared with the few that there are.
 */
#ifndef POSTVALVE_COMMON_HTTP_REQUEST_H
#define POSTVALVE_COMMON_HTTP_REQUEST_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REQUEST_MAX 8192 /* bytes of a head */
#define HTTP_TARGET_MAX  2048 /* of path and query */

struct string_list;

enum http_parse { HTTP_DONE, HTTP_MORE, HTTP_REFUSED };

struct http_request {
    bool is_head;
    bool is_keep_alive;
    struct slice path;  /* begins with "/" */
    struct slice query; /* behind the "?", may be empty */
    struct slice host;  /* the header, with its port; may be empty */
    size_t taken;       /* bytes of data that the request was */
};

/* Parses the request at the start of data, which may go on behind it. Slices point into data.
 * HTTP_REFUSED: status_r is what to answer (4xx, 5xx) before the connection is closed; is_head
 * is set where it is known. */
enum http_parse http_request_parse(const char *data, size_t length,
                                   struct http_request *request_r, int *status_r);

/* Whether a request for this host is meant for us. An address and "localhost" are; any other
 * name only if it is among names: a page of a stranger whose name leads to our address (DNS
 * rebinding) must not read what we say. */
bool http_host_is_ours(struct slice host, const struct string_list *names);

bool http_query_has(struct slice query, const char *name);
/* The value of a parameter, decoded. False: it is not there, or does not fit, or holds a
 * control character or what is no UTF-8. */
bool http_query_get(struct slice query, const char *name, char *out, size_t out_size);

/* "Not Found" */
const char *http_status_text(int status);

#endif
