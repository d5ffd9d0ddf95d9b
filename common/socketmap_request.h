/*
 * socketmap_request - the protocol of socketmap_table(5): "name key" in a netstring, answered
 * by one netstring. Pure.
 */
#ifndef POSTVALVE_COMMON_SOCKETMAP_REQUEST_H
#define POSTVALVE_COMMON_SOCKETMAP_REQUEST_H

#include "common/buffer.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define SOCKETMAP_REQUEST_MAX 10000 /* bytes in the netstring; Postfix's own limit for keys */
#define SOCKETMAP_REPLY_MAX   4200  /* bytes in the netstring: a template, with its status */

/* Postfix reads TEMP and TIMEOUT as a table that has to be tried again later, which is a 451
 * for the client; PERM as one that is misconfigured. */
enum socketmap_status {
    SOCKETMAP_OK,
    SOCKETMAP_NOTFOUND,
    SOCKETMAP_TEMP,
    SOCKETMAP_TIMEOUT,
    SOCKETMAP_PERM
};

enum socketmap_parse { SOCKETMAP_DONE, SOCKETMAP_MORE, SOCKETMAP_INVALID };

struct socketmap_request {
    struct slice name; /* of the map: printable ASCII without space, not empty */
    struct slice key;  /* any bytes but zero; may be empty */
    size_t taken;      /* bytes of data that the request was */
};

/* Parses the request at the start of data, which may go on behind it. Slices point into data.
 * After SOCKETMAP_INVALID: close the connection. */
enum socketmap_parse socketmap_request_parse(const char *data, size_t length,
                                             struct socketmap_request *request_r);

/* Appends the reply. text: the value, or the reason of a failure; cut at SOCKETMAP_REPLY_MAX,
 * control characters become spaces. False when the buffer has no room for it. */
bool socketmap_reply_append(struct buffer *buffer, enum socketmap_status status,
                            struct slice text);

#endif
