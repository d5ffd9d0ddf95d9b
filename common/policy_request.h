/*
 * policy_request - one request of the Postfix policy delegation protocol (SMTPD_POLICY_README),
 * parsed where it lies, without copying and as it arrives.
 *
 * A request is lines "name=value" and an empty line. The caller owns the bytes; a request keeps
 * only offsets into them, so the bytes may move between two calls as long as none is lost.
 * Pure; nothing is allocated.
 */
#ifndef POSTVALVE_COMMON_POLICY_REQUEST_H
#define POSTVALVE_COMMON_POLICY_REQUEST_H

#include "common/address.h"
#include "common/decide.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_REQUEST_MAX 65536 /* bytes, the empty line included */

/* Every attribute Postfix 2.1 to 3.12 sends, in the order in which it sends them: the parser
 * expects that order and is only slower, not wrong, with another. */
#define POLICY_ATTRIBUTES(X)                                                                   \
    X(REQUEST, "request")                                                                      \
    X(PROTOCOL_STATE, "protocol_state")                                                        \
    X(PROTOCOL_NAME, "protocol_name")                                                          \
    X(CLIENT_ADDRESS, "client_address")                                                        \
    X(CLIENT_NAME, "client_name")                                                              \
    X(CLIENT_PORT, "client_port")                                                              \
    X(REVERSE_CLIENT_NAME, "reverse_client_name")                                              \
    X(SERVER_ADDRESS, "server_address")                                                        \
    X(SERVER_PORT, "server_port")                                                              \
    X(HELO_NAME, "helo_name")                                                                  \
    X(SENDER, "sender")                                                                        \
    X(RECIPIENT, "recipient")                                                                  \
    X(RECIPIENT_COUNT, "recipient_count")                                                      \
    X(QUEUE_ID, "queue_id")                                                                    \
    X(INSTANCE, "instance")                                                                    \
    X(SIZE, "size")                                                                            \
    X(ETRN_DOMAIN, "etrn_domain")                                                              \
    X(STRESS, "stress")                                                                        \
    X(SASL_METHOD, "sasl_method")                                                              \
    X(SASL_USERNAME, "sasl_username")                                                          \
    X(SASL_SENDER, "sasl_sender")                                                              \
    X(CCERT_SUBJECT, "ccert_subject")                                                          \
    X(CCERT_ISSUER, "ccert_issuer")                                                            \
    X(CCERT_FINGERPRINT, "ccert_fingerprint")                                                  \
    X(CCERT_PUBKEY_FINGERPRINT, "ccert_pubkey_fingerprint")                                    \
    X(ENCRYPTION_PROTOCOL, "encryption_protocol")                                              \
    X(ENCRYPTION_CIPHER, "encryption_cipher")                                                  \
    X(ENCRYPTION_KEYSIZE, "encryption_keysize")                                                \
    X(TLS_SNI, "tls_sni")                                                                      \
    X(POLICY_CONTEXT, "policy_context")                                                        \
    X(COMPATIBILITY_LEVEL, "compatibility_level")                                              \
    X(MAIL_VERSION, "mail_version")

enum policy_attribute {
#define POLICY_ATTRIBUTE_ID(id, name) POLICY_ATTRIBUTE_##id,
    POLICY_ATTRIBUTES(POLICY_ATTRIBUTE_ID)
#undef POLICY_ATTRIBUTE_ID
        POLICY_ATTRIBUTE_COUNT
};

enum policy_parse { POLICY_PARSE_DONE, POLICY_PARSE_MORE, POLICY_PARSE_INVALID };

struct policy_request {
    const char *data;    /* the caller's bytes, as of the last call */
    const char *problem; /* POLICY_PARSE_INVALID: what is wrong */
    uint32_t length;     /* POLICY_PARSE_DONE: the bytes it took */
    uint32_t line;       /* start of the first line not parsed yet */
    uint32_t scanned;    /* no newline between line and here */
    uint32_t expected;   /* attribute that Postfix sends next */
    struct {
        uint32_t offset, length; /* offset 0: not sent */
    } values[POLICY_ATTRIBUTE_COUNT];
};

void policy_request_init(struct policy_request *request);

/* Parses on. data is what has arrived of this request since policy_request_init(), from its
 * first byte, and may go on beyond its end. Attributes may come in any order; unknown ones are
 * ignored, of a repeated one the last value counts. After INVALID there is no way to find the
 * next request: close the connection. */
enum policy_parse policy_request_parse(struct policy_request *request, const char *data,
                                       size_t length);

/* The value as sent; empty when it was not sent. It points into data of the last parse. */
static inline struct slice policy_request_value(const struct policy_request *request,
                                                enum policy_attribute attribute)
{
    return (struct slice){request->data + request->values[attribute].offset,
                          request->values[attribute].length};
}

const char *policy_attribute_name(enum policy_attribute attribute);

/* What follows from the values of a request that is DONE. */
enum stage policy_request_stage(const struct policy_request *request);
/* False, and ADDRESS_NONE, where Postfix does not know it ("unknown"). */
bool policy_request_client(const struct policy_request *request, struct address *address_r);
/* POLICY_ATTRIBUTE_CLIENT_PORT or _SERVER_PORT; false when not sent or not a port. */
bool policy_request_port(const struct policy_request *request, enum policy_attribute attribute,
                         uint16_t *port_r);
bool policy_request_is_stressed(const struct policy_request *request);
bool policy_request_is_authenticated(const struct policy_request *request);

#endif
